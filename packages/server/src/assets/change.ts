/**
 * Changing, trashing, restoring and removing assets. Each is one transaction that also writes history, events and whatever
 * job follows: the trash enqueues its own purge, a purge gives the objects up and returns the quota.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../engines/database/database.ts'
import { transact } from '../engines/database/transact.ts'
import type { Fault } from '../engines/faults/faults.ts'
import type { Jobs } from '../engines/jobs/jobs.ts'
import { publishEvents } from '../events/index.ts'
import { type Attempt, type HistoryAction, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { giveUpObjects } from '../purge/index.ts'
import { quota } from '../quota/index.ts'
import { takeRenditions } from '../renditions/index.ts'
import type { AssetRow } from './asset.ts'
import { noSuchAsset } from './library.ts'

export interface ChangeContext {
  db: Db
  jobs: Jobs
  now: () => Date
  fault: Fault
  /** Days in the trash until an asset is purged. */
  trashDays: number
}

export interface AssetEdit {
  description?: string | null
  capturedAt?: Date
  favorite?: boolean
}

/** `ifMatch` is the version the caller saw; another one throws `precondition-failed` (412). */
export async function editAsset(
  context: ChangeContext,
  attempt: Attempt,
  ownerId: string,
  id: string,
  edit: AssetEdit,
  ifMatch: number | null,
): Promise<AssetRow> {
  return transact(context.db, async (tx) => {
    const [asset] = await lockAssets(tx, ownerId, [id])
    if (asset === undefined) throw noSuchAsset()
    checkVersion(asset, ifMatch)
    const changed = await tx
      .updateTable('asset')
      .set((eb) => ({
        version: eb('version', '+', 1),
        ...(edit.description === undefined ? {} : { description: edit.description }),
        ...(edit.capturedAt === undefined
          ? {}
          : { captured_at: edit.capturedAt, captured_by: 'person' as const, captured_offset: null }),
        ...(edit.favorite === undefined ? {} : { favorite: edit.favorite }),
      }))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow()
    await tellOf(tx, attempt, 'asset.update', [changed])
    return changed
  })
}

/** To the trash. What is there already stays; unknown ids are left out. Returns how many went. */
export async function trashAssets(
  context: ChangeContext,
  attempt: Attempt,
  ownerId: string,
  ids: string[],
  ifMatch: number | null = null,
): Promise<number> {
  return transact(context.db, async (tx) => {
    const { named, motions } = await lockWithMotions(tx, ownerId, ids)
    for (const asset of named) checkVersion(asset, ifMatch)
    const going = [...named, ...motions].filter((asset) => asset.trashed_at === null)
    if (going.length === 0) return named.length
    const trashedAt = context.now()
    await leavePhotos(tx, named)
    const trashed = await tx
      .updateTable('asset')
      .set((eb) => ({ trashed_at: trashedAt, version: eb('version', '+', 1) }))
      .where(sql<boolean>`id = any(${going.map((asset) => asset.id)}::uuid[])`)
      .returningAll()
      .execute()
    const runAt = new Date(trashedAt.getTime() + context.trashDays * 86_400_000)
    await context.jobs.enqueueAll(
      tx,
      'asset:purge',
      going.map((asset) => ({ payload: { assetId: asset.id }, key: purgeKey(asset.id) })),
      { runAt, priority: 10 },
    )
    await tellOf(tx, attempt, 'asset.trash', trashed)
    return named.length
  })
}

export async function restoreAsset(
  context: ChangeContext,
  attempt: Attempt,
  ownerId: string,
  id: string,
): Promise<AssetRow> {
  const [asset] = await restoreAssets(context, attempt, ownerId, [id])
  if (asset === undefined) throw noSuchAsset()
  return asset
}

/** Out of the trash. Unknown ids are left out. Returns them all as they are now. */
export async function restoreAssets(
  context: ChangeContext,
  attempt: Attempt,
  ownerId: string,
  ids: string[],
): Promise<AssetRow[]> {
  return transact(context.db, async (tx) => {
    const { named, motions } = await lockWithMotions(tx, ownerId, ids)
    const trashed = [...named, ...motions].filter((asset) => asset.trashed_at !== null)
    if (trashed.length === 0) return named
    const restored = await tx
      .updateTable('asset')
      .set((eb) => ({ trashed_at: null, version: eb('version', '+', 1) }))
      .where(sql<boolean>`id = any(${trashed.map((one) => one.id)}::uuid[])`)
      .returningAll()
      .execute()
    await context.jobs.cancel(
      tx,
      restored.map((one) => purgeKey(one.id)),
    )
    await tellOf(tx, attempt, 'asset.restore', restored)
    const now = new Map(restored.map((one) => [one.id, one]))
    return named.map((asset) => now.get(asset.id) ?? asset)
  })
}

/** Marks many at once, or takes the mark away. Unknown ids are left out. Returns how many are marked so now. */
export async function markFavorites(
  context: ChangeContext,
  attempt: Attempt,
  ownerId: string,
  ids: string[],
  favorite: boolean,
): Promise<number> {
  return transact(context.db, async (tx) => {
    const assets = await lockAssets(tx, ownerId, ids)
    const others = assets.filter((asset) => asset.favorite !== favorite)
    if (others.length === 0) return assets.length
    const changed = await tx
      .updateTable('asset')
      .set((eb) => ({ favorite, version: eb('version', '+', 1) }))
      .where(sql<boolean>`id = any(${others.map(({ id }) => id)}::uuid[])`)
      .returningAll()
      .execute()
    await tellOf(tx, attempt, 'asset.update', changed)
    return assets.length
  })
}

/** For good, trashed or not: rows go, the quota comes back, the objects are given up. Returns how many went. */
export async function purgeAssets(
  context: ChangeContext,
  attempt: Attempt,
  ownerId: string,
  ids: string[],
  ifMatch: number | null = null,
): Promise<number> {
  const count = await transact(context.db, async (tx) => {
    const { named, motions } = await lockWithMotions(tx, ownerId, ids)
    for (const asset of named) checkVersion(asset, ifMatch)
    await removeRows(context, tx, attempt, ownerId, [...named, ...motions])
    return named.length
  })
  context.fault('purge.committed')
  return count
}

/** The job the trash enqueued: purges unless the asset was restored meanwhile. */
export async function purgeTrashed(context: ChangeContext, attempt: Attempt, assetId: string): Promise<void> {
  await transact(context.db, async (tx) => {
    const owner = await tx.selectFrom('asset').select('owner_id').where('id', '=', assetId).executeTakeFirst()
    if (owner === undefined) return
    const {
      named: [asset],
      motions,
    } = await lockWithMotions(tx, owner.owner_id, [assetId])
    // Restored and trashed again since: the newer job is the one that counts.
    const due = context.now().getTime() - context.trashDays * 86_400_000
    if (asset === undefined || asset.trashed_at === null || asset.trashed_at.getTime() > due + 1000) return
    await removeRows(context, tx, { ...attempt, actorId: asset.owner_id }, asset.owner_id, [asset, ...motions])
  })
  context.fault('purge.committed')
}

async function removeRows(context: ChangeContext, tx: Tx, attempt: Attempt, ownerId: string, assets: AssetRow[]) {
  if (assets.length === 0) return
  const ids = assets.map((asset) => asset.id)
  const renditions = await takeRenditions(tx, ids)
  await tx.deleteFrom('asset').where(sql<boolean>`id = any(${ids}::uuid[])`).execute()
  await quota.refund(
    tx,
    ownerId,
    assets.reduce((sum, asset) => sum + asset.size, 0),
  )
  await giveUpObjects(context.jobs, tx, [
    ...assets.map((asset) => ({ object_key: asset.object_key, grants_until: asset.grants_until, reason: 'purge' })),
    ...renditions,
  ])
  const trashed = assets.filter((asset) => asset.trashed_at !== null)
  await context.jobs.cancel(
    tx,
    trashed.map((asset) => purgeKey(asset.id)),
  )
  await tellOf(tx, attempt, 'asset.purge', assets)
}

/** In the order of ids, so that two bulk calls over the same assets cannot lock each other out. */
async function lockAssets(tx: Tx, ownerId: string, ids: string[]): Promise<AssetRow[]> {
  return tx
    .selectFrom('asset')
    .selectAll()
    .where('owner_id', '=', ownerId)
    .where(sql<boolean>`id = any(${ids}::uuid[])`)
    .orderBy('id')
    .forUpdate()
    .execute()
}

/** These, and the videos of the Live Photos among them, which share their photo's fate. */
async function lockWithMotions(
  tx: Tx,
  ownerId: string,
  ids: string[],
): Promise<{ named: AssetRow[]; motions: AssetRow[] }> {
  const videos = await tx
    .selectFrom('asset')
    .select('id')
    .where(sql<boolean>`motion_of = any(${ids}::uuid[])`)
    .where('owner_id', '=', ownerId)
    .execute()
  const assets = await lockAssets(tx, ownerId, [...ids, ...videos.map(({ id }) => id)])
  const wanted = new Set(ids)
  return {
    named: assets.filter(({ id }) => wanted.has(id)),
    motions: assets.filter(({ id }) => !wanted.has(id)),
  }
}

/** A video that goes without its photo stands for itself, so that it can be found where it went. */
async function leavePhotos(tx: Tx, going: AssetRow[]): Promise<void> {
  const ids = new Set(going.map(({ id }) => id))
  const leaving = going.filter(({ motion_of: photo }) => photo !== null && !ids.has(photo))
  if (leaving.length === 0) return
  await tx
    .updateTable('asset')
    .set({ motion_of: null })
    .where(sql<boolean>`id = any(${leaving.map(({ id }) => id)}::uuid[])`)
    .execute()
}

function checkVersion(asset: AssetRow, ifMatch: number | null): void {
  if (ifMatch === null || asset.version === ifMatch) return
  throw problems.preconditionFailed('It was changed since you read it. Read it again and repeat your change.')
}

/** The history and the owner's other devices. */
async function tellOf(tx: Tx, attempt: Attempt, action: HistoryAction, assets: AssetRow[]): Promise<void> {
  await history.recordAll(
    tx,
    assets.map((asset) => ({
      attempt,
      event: { action, objectType: 'asset', objectId: asset.id, size: asset.size, contentType: asset.content_type },
    })),
  )
  await publishEvents(
    tx,
    assets.map((asset) => ({
      accountId: asset.owner_id,
      type: 'asset.updated',
      id: asset.id,
      state: action === 'asset.purge' ? 'deleted' : asset.trashed_at === null ? asset.state : 'trashed',
      data: { version: asset.version },
    })),
  )
}

function purgeKey(assetId: string): string {
  return `asset:purge:${assetId}`
}
