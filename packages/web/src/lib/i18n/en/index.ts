/** English: the language the others are translated from. A file an area of the site. */
import { account } from './account.ts'
import { albums } from './albums.ts'
import { common } from './common.ts'
import { photos } from './photos.ts'
import { problems } from './problems.ts'
import { sharing } from './sharing.ts'
import { uploads } from './uploads.ts'
import { viewer } from './viewer.ts'

export const en = { account, albums, common, photos, problems, sharing, uploads, viewer }
