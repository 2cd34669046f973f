/** English: the language the others are translated from. A file an area of the site. */
import { account } from './account.ts'
import { common } from './common.ts'
import { problems } from './problems.ts'

export const en = { account, common, problems }
