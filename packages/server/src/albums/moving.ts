/**
 * The order that an owner arranges by hand. A position is a number between its neighbours', so that a move writes only what
 * is moved; where no number is left between two, all are numbered anew. Under the lock of the album.
 */
import { sql } from 'kysely'
import type { Tx } from '../engines/database/database.ts'
import type { AlbumSort } from '../engines/database/schema.ts'
import { transact } from '../engines/database/transact.ts'
import { type Attempt, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { lockContained } from './adding.ts'
import { type AlbumContext, lockAlbum, requireAlbumOwner, requireOwnership } from './album.ts'
import { noSuchAlbumAsset } from './content.ts'

/**
 * Puts these before `before`, or at the end when it is null, in the order given; the album is in the order `custom` from
 * then on, which begins as the one it was shown in. What the album does not hold is left out.
 */
export async function moveAssets(
  { db, now }: AlbumContext,
  attempt: Attempt,
  accountId: string,
  albumId: string,
  assetIds: string[],
  before: string | null,
): Promise<void> {
  const wanted = [...new Set(assetIds.map((id) => id.toLowerCase()))]
  const target = before?.toLowerCase() ?? null
  if (target !== null && wanted.includes(target)) {
    throw problems.invalidRequest('Nothing can be moved before itself.', {
      errors: [{ path: '/before', message: 'must not be among assetIds' }],
    })
  }
  await requireAlbumOwner(db, accountId, albumId)
  await transact(db, async (tx) => {
    await lockContained(tx, albumId, target === null ? wanted : [...wanted, target])
    const album = await lockAlbum(tx, accountId, albumId)
    requireOwnership(album)
    const { sort } = album.row
    if (sort !== 'custom') await numberAnew(tx, albumId, sort)
    const held = await positionsOf(tx, albumId, target === null ? wanted : [...wanted, target])
    const moving = wanted.filter((id) => held.has(id))
    if (moving.length === 0 || (target !== null && !held.has(target))) throw noSuchAlbumAsset()
    const positions = await makeRoom(tx, albumId, moving, target)
    await sql`
      update album_asset set position = moved.position
      from unnest(${moving}::uuid[], ${positions}::double precision[]) as moved (id, position)
      where album_id = ${albumId}::uuid and asset_id = moved.id`.execute(tx)
    await tx
      .updateTable('album')
      .set((eb) => ({
        updated_at: now(),
        ...(sort === 'custom' ? {} : { sort: 'custom' as const, version: eb('version', '+', 1) }),
      }))
      .where('id', '=', albumId)
      .execute()
    await history.record(tx, attempt, { action: 'album.update', objectType: 'album', objectId: albumId })
  })
}

/** As many ascending positions right before `target`. */
async function makeRoom(tx: Tx, albumId: string, moving: string[], target: string | null): Promise<number[]> {
  const found = spread(await gapBefore(tx, albumId, moving, target), moving.length)
  if (found !== null) return found
  await numberAnew(tx, albumId, 'custom')
  const positions = spread(await gapBefore(tx, albumId, moving, target), moving.length)
  if (positions === null) throw new RangeError(`There is no room for ${moving.length} positions`)
  return positions
}

interface Gap {
  after: number | null
  before: number | null
}

async function gapBefore(tx: Tx, albumId: string, moving: string[], target: string | null): Promise<Gap> {
  const before = target === null ? null : ((await positionsOf(tx, albumId, [target])).get(target) ?? null)
  const { after } = await tx
    .selectFrom('album_asset')
    .select((eb) => eb.fn.max('position').as('after'))
    .where('album_id', '=', albumId)
    .where(sql<boolean>`asset_id <> all(${moving}::uuid[])`)
    .$if(before !== null, (query) => query.where('position', '<', before))
    .executeTakeFirstOrThrow()
  return { after, before }
}

/** `count` numbers within the gap, ascending; null when there are not so many. */
export function spread({ after, before }: Gap, count: number): number[] | null {
  const from = after ?? (before ?? 1) - count - 1
  const step = before === null ? 1 : (before - from) / (count + 1)
  const positions = Array.from({ length: count }, (_, index) => from + step * (index + 1))
  const bounds = [from, ...positions, ...(before === null ? [] : [before])]
  return bounds.every((position, index) => index === 0 || position > (bounds[index - 1] ?? 0)) ? positions : null
}

async function positionsOf(tx: Tx, albumId: string, assetIds: string[]): Promise<Map<string, number>> {
  const rows = await tx
    .selectFrom('album_asset')
    .select(['asset_id', 'position'])
    .where('album_id', '=', albumId)
    .where(sql<boolean>`asset_id = any(${assetIds}::uuid[])`)
    .execute()
  return new Map(rows.map(({ asset_id, position }) => [asset_id, position]))
}

const inOrder = {
  newest: sql`captured_at desc, asset_id desc`,
  oldest: sql`captured_at, asset_id`,
  custom: sql`position, asset_id`,
} satisfies Record<AlbumSort, unknown>

/** 1, 2, 3 … in the order `sort`. */
async function numberAnew(tx: Tx, albumId: string, sort: AlbumSort): Promise<void> {
  await sql`
    update album_asset set position = numbered.place
    from (
      select asset_id, row_number() over (order by ${inOrder[sort]}) as place
      from album_asset where album_id = ${albumId}::uuid
    ) as numbered
    where album_id = ${albumId}::uuid and album_asset.asset_id = numbered.asset_id`.execute(tx)
}
