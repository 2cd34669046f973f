import type { Messages } from '../i18n.svelte.ts'
import { account } from './account.ts'
import { albums } from './albums.ts'
import { common } from './common.ts'
import { photos } from './photos.ts'
import { problems } from './problems.ts'
import { sharing } from './sharing.ts'
import { uploads } from './uploads.ts'
import { viewer } from './viewer.ts'

export const ko: Messages = { account, albums, common, photos, problems, sharing, uploads, viewer }
