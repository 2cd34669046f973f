/** What a client must know of a server before anybody has signed in. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { orProblem } from '../../http/conventions.ts'
import type { Accounts } from '../accounts.ts'

export interface ServerInfo {
  version: string
  registration: 'open' | 'closed'
  /** Bytes. */
  maxFileSize: number
  /** Bytes of the parts that uploads are planned with. */
  partSize: number
  /** Until what is in the trash is removed. */
  trashDays: number
}

export async function describeServer(accounts: Pick<Accounts, 'hasAccounts'>, info: ServerInfo) {
  return {
    name: 'heliograph' as const,
    version: info.version,
    registration: info.registration,
    hasAccounts: await accounts.hasAccounts(),
    maxFileSize: info.maxFileSize,
    uploads: { partSize: info.partSize },
    trashDays: info.trashDays,
  }
}

export function serverRoutes(accounts: Accounts, info: ServerInfo): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v1/server',
      {
        config: { policy: { access: 'public', why: 'Clients ask it before anybody has signed in' } },
        schema: {
          operationId: 'getServer',
          summary: 'What this server is and allows',
          tags: ['Server'],
          response: orProblem({
            200: Type.Object({
              name: Type.Literal('heliograph'),
              version: Type.String(),
              registration: Type.Union([Type.Literal('open'), Type.Literal('closed')]),
              hasAccounts: Type.Boolean({ description: 'False on a new server: who registers first administers it' }),
              maxFileSize: Type.Integer({ description: 'Bytes' }),
              uploads: Type.Object({ partSize: Type.Integer({ description: 'Bytes' }) }),
              trashDays: Type.Integer({ description: 'Days until what is in the trash is removed for good' }),
            }),
          }),
        },
      },
      () => describeServer(accounts, info),
    )
  }
}
