import type { Messages } from '../i18n.svelte.ts'
import { account } from './account.ts'
import { common } from './common.ts'
import { problems } from './problems.ts'

export const ko: Messages = { account, common, problems }
