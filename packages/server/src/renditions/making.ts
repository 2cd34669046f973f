/**
 * How what was made becomes part of the library. The keys are written down first, as deletions that lie hours ahead; then
 * the bytes are stored; then one transaction makes them the asset's renditions and takes the deletions back. So a row knows
 * of every byte at every instant, whoever dies: before the commit the sweep removes what was stored, after it the old
 * renditions are given up, once the URLs that were handed out for them have died.
 */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { sql, type Updateable } from 'kysely'
import type { AssetTable } from '../engines/database/schema.ts'
import { foreseeDeletion, giveUpObjects, keepForeseen } from '../purge/index.ts'
import type { AssetRow, RenditionContext, Tx } from './context.ts'
import { openMade, sizeOfMade } from './made-file.ts'
import { isPlayback, longestPlay, type MadeFile, type MadeImage, recipe } from './media.ts'

export type Made = MadeImage | MadeFile

export interface Making {
  made: Made[]
  /** The keys begin with this folder, an own one when absent. */
  folder?: string
  /** Which of the renditions there are by now it takes the place of; those of the same names always. */
  replaces: (name: string) => boolean
  /** Other assets that are changed with it: they are locked together, in one order. */
  alsoLock?: (tx: Tx) => Promise<string[]>
  /** In the transaction that makes them the asset's, under the lock of its row. */
  change: (tx: Tx, current: AssetRow, others: AssetRow[]) => Promise<Updateable<AssetTable>>
  /** After it. */
  follow: (tx: Tx, changed: AssetRow) => Promise<void>
}

/** Far more than storing takes. Seconds. */
const longestStoring = 6 * 3_600

export function newFolder(): string {
  return `renditions/${randomBytes(16).toString('hex')}`
}

/** The folder of a key. */
export function folderOf(objectKey: string): string {
  return objectKey.slice(0, objectKey.lastIndexOf('/'))
}

interface Stored {
  made: Made
  key: string
  size: number
}

/** Returns false when the asset is gone, or has other bytes by now: then everything made is given up again. */
export async function keepRenditions(context: RenditionContext, asset: AssetRow, making: Making): Promise<boolean> {
  const folder = making.folder ?? newFolder()
  // A key is written once, and an attempt before this one may have died with the same name.
  const turn = randomBytes(4).toString('hex')
  const stored = await Promise.all(
    making.made.map(async (made) => ({ made, key: `${folder}/${fileNameOf(made, turn)}`, size: await sizeOf(made) })),
  )
  await foreseeDeletion(
    context.db,
    stored.map(({ key }) => ({
      object_key: key,
      reason: 'rendition not kept',
      due_at: new Date(context.now().getTime() + longestStoring * 1000),
    })),
  )
  let kept = false
  try {
    await Promise.all(stored.map((one) => put(context, one)))
    context.fault('process.put')
    kept = await context.db.transaction().execute((tx) => commit(context, tx, asset, making, stored))
  } finally {
    if (!kept) await giveUpStored(context, stored)
  }
  context.fault('process.committed')
  return kept
}

/** Where one signature opens a whole folder, the type of a file follows from its extension. */
const extensions: Record<string, string> = {
  'image/webp': '.webp',
  'image/avif': '.avif',
  'image/jpeg': '.jpg',
  'video/mp4': '.mp4',
}

function fileNameOf({ name, contentType }: Made, turn: string): string {
  return `${name}.${turn}${extensions[contentType] ?? ''}`
}

async function sizeOf(made: Made): Promise<number> {
  return 'bytes' in made ? made.bytes.byteLength : sizeOfMade(made.path)
}

async function put({ store }: RenditionContext, { made, key, size }: Stored): Promise<void> {
  const body = 'bytes' in made ? Readable.from([made.bytes]) : (await openMade(made.path)).createReadStream()
  await store.put(key, body, { contentType: made.contentType, size })
}

async function commit(
  context: RenditionContext,
  tx: Tx,
  asset: AssetRow,
  making: Making,
  stored: Stored[],
): Promise<boolean> {
  const others = (await making.alsoLock?.(tx)) ?? []
  const locked = await tx
    .selectFrom('asset')
    .selectAll()
    .where(sql<boolean>`id = any(${[asset.id, ...others]}::uuid[])`)
    .orderBy('id')
    .forUpdate()
    .execute()
  const current = locked.find(({ id }) => id === asset.id)
  if (current === undefined || current.object_key !== asset.object_key) return false
  await keepForeseen(
    tx,
    stored.map(({ key }) => key),
  )
  await switchRenditions(context, tx, asset.id, making, stored)
  const change = await making.change(
    tx,
    current,
    locked.filter(({ id }) => id !== asset.id),
  )
  const changed = await tx
    .updateTable('asset')
    .set((eb) => ({ ...change, version: eb('version', '+', 1) }))
    .where('id', '=', asset.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  await making.follow(tx, changed)
  context.fault('process.uncommitted')
  return true
}

async function switchRenditions(
  context: RenditionContext,
  tx: Tx,
  assetId: string,
  { replaces }: Making,
  stored: Stored[],
): Promise<void> {
  const before = await tx
    .selectFrom('rendition')
    .select(['name', 'object_key'])
    .where('asset_id', '=', assetId)
    .execute()
  const names = new Set(stored.map(({ made }) => made.name))
  const old = before.filter(({ name }) => names.has(name) || replaces(name))
  if (old.length > 0) {
    await tx
      .deleteFrom('rendition')
      .where('asset_id', '=', assetId)
      .where(sql<boolean>`name = any(${old.map(({ name }) => name)}::text[])`)
      .execute()
    for (const isForPlaying of [false, true]) {
      const given = old.filter(({ name }) => isPlayback(name) === isForPlaying)
      await giveUpObjects(
        context.jobs,
        tx,
        given.map(({ object_key }) => ({ object_key, grants_until: null, reason: 'rendition replaced' })),
        { notBefore: urlsDeadAt(context, isForPlaying ? longestPlay : 0) },
      )
    }
  }
  if (stored.length === 0) return
  await tx
    .insertInto('rendition')
    .values(
      stored.map(({ made, key, size }) => ({
        asset_id: assetId,
        name: made.name,
        object_key: key,
        content_type: made.contentType,
        size,
        width: made.width,
        height: made.height,
        duration: 'duration' in made ? made.duration : null,
        detail: 'detail' in made && made.detail !== null ? JSON.stringify(made.detail) : null,
        recipe,
      })),
    )
    .execute()
}

/**
 * A URL lives at most two buckets; whoever holds one that was signed a moment ago should not find nothing.
 * `least`: seconds of the bucket, if it is longer than that of most files.
 */
export function urlsDeadAt({ now, deliveryBucket }: Pick<RenditionContext, 'now' | 'deliveryBucket'>, least = 0): Date {
  return new Date(now().getTime() + (2 * Math.max(deliveryBucket, least) + 60) * 1000)
}

/**
 * Those that are still foreseen: when the answer of a commit was lost, they are the asset's. What fails here is left to the
 * sweep.
 */
async function giveUpStored(context: RenditionContext, stored: Stored[]): Promise<void> {
  try {
    await context.db.transaction().execute(async (tx) => {
      const foreseen = await tx
        .selectFrom('object_deletion')
        .select('object_key')
        .where(sql<boolean>`object_key = any(${stored.map(({ key }) => key)}::text[])`)
        .forUpdate()
        .execute()
      await giveUpObjects(
        context.jobs,
        tx,
        foreseen.map(({ object_key }) => ({ object_key, grants_until: null, reason: 'rendition not kept' })),
      )
    })
  } catch (error) {
    context.log.warn({ err: error }, 'what a failed job had stored is left to the sweep')
  }
}

/**
 * To be called in the transaction that removes these assets, before their rows go: removes the rows of their renditions and
 * returns the objects to give up. A video whose photo goes stands for itself again.
 */
export async function takeRenditions(
  tx: Tx,
  assetIds: string[],
): Promise<{ object_key: string; grants_until: null; reason: string }[]> {
  const rows = await tx
    .deleteFrom('rendition')
    .where(sql<boolean>`asset_id = any(${assetIds}::uuid[])`)
    .returning('object_key')
    .execute()
  await tx
    .updateTable('asset')
    .set({ motion_of: null })
    .where(sql<boolean>`motion_of = any(${assetIds}::uuid[])`)
    .execute()
  return rows.map(({ object_key }) => ({ object_key, grants_until: null, reason: 'purge' }))
}
