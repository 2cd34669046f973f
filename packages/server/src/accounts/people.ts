/** People as others see them next to what they made: owners and members of albums, authors. */
import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import type { Db } from '../engines/database/database.ts'

export const PersonSchema = Type.Object(
  {
    handle: Type.String(),
    name: Type.String(),
    avatarUrl: Type.Union([Type.String(), Type.Null()]),
  },
  { $id: 'Person' },
)

export type Person = Static<typeof PersonSchema>

export interface People {
  /** Those of these accounts that are there, in one query. */
  find(accountIds: string[]): Promise<Map<string, Person>>
}

export interface PeopleDeps {
  db: Db
  /** The stable URL of a public object. */
  publicUrlOf(key: string): Promise<string>
}

export function createPeople({ db, publicUrlOf }: PeopleDeps): People {
  return {
    async find(accountIds) {
      if (accountIds.length === 0) return new Map()
      const rows = await db
        .selectFrom('account')
        .leftJoin('asset as avatar', (join) =>
          join.onRef('avatar.id', '=', 'account.avatar_asset_id').on('avatar.trashed_at', 'is', null),
        )
        .leftJoin('rendition as copy', (join) =>
          join.onRef('copy.asset_id', '=', 'avatar.id').on('copy.name', '=', 'public'),
        )
        .select(['account.id', 'account.handle', 'account.name', 'copy.object_key'])
        .where(sql<boolean>`account.id = any(${[...new Set(accountIds)]}::uuid[])`)
        .where('account.deleted_at', 'is', null)
        .execute()
      const found = rows.map(async ({ id, handle, name, object_key: key }) => {
        const avatarUrl = key === null ? null : await publicUrlOf(key)
        return [id, { handle, name, avatarUrl }] as const
      })
      return new Map(await Promise.all(found))
    },
  }
}
