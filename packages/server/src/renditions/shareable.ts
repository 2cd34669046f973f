/**
 * Others get files that do not tell where they were taken. An original that tells nothing is given as it is; of any other
 * a copy is made on demand, by patching its metadata and nothing of its picture, and read again before it is believed.
 * Where no such copy can be made there is none to give.
 */
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Deliverable } from '../delivery/index.ts'
import type { Db } from '../engines/database/database.ts'
import type { Jobs } from '../engines/jobs/jobs.ts'
import type { AssetRow, RenditionContext, Run, Tx } from './context.ts'
import { keepRenditions } from './making.ts'
import { CannotDecode, type MadeFile } from './media.ts'
import { originalOf } from './original.ts'
import { withScratch } from './scratch.ts'
import { priorities } from './tasks.ts'

/** Has copies made of those of these that need one and have none. Nobody's new photo waits behind it. */
export async function requestShareable(jobs: Jobs, db: Db | Tx, assetIds: string[]): Promise<void> {
  await jobs.enqueueAll(
    db,
    'asset:shareable',
    assetIds.map((assetId) => ({ payload: { assetId }, key: `asset:shareable:${assetId}` })),
    { priority: priorities.bulk },
  )
}

type Shared = Pick<AssetRow, 'id' | 'holds_location' | 'object_key' | 'content_type' | 'filename' | 'size'>

export interface FileForOthers extends Deliverable {
  /** Bytes. */
  size: number
}

/**
 * What somebody other than the owner may download, by asset, in one query: of some there is none while it is not made, and
 * for ever where it cannot be. Says nothing of whether they may.
 */
export async function originalsForOthers(db: Db, assets: Shared[]): Promise<Map<string, FileForOthers>> {
  const telling = assets.filter((asset) => asset.holds_location)
  const copies =
    telling.length === 0
      ? []
      : await db
          .selectFrom('rendition')
          .select(['asset_id', 'object_key', 'content_type', 'size'])
          .where(sql<boolean>`asset_id = any(${telling.map(({ id }) => id)}::uuid[])`)
          .where('name', '=', 'shareable')
          .execute()
  const copyOf = new Map(copies.map(({ asset_id, ...copy }) => [asset_id, copy]))
  return new Map(
    assets.flatMap(({ id, holds_location, object_key, content_type, filename, size }) => {
      const file = holds_location ? copyOf.get(id) : { object_key, content_type, size }
      return file === undefined ? [] : [[id, { ...file, filename }]]
    }),
  )
}

/** The same for one; null for none. */
export async function originalForOthers(db: Db, asset: Shared): Promise<FileForOthers | null> {
  return (await originalsForOthers(db, [asset])).get(asset.id) ?? null
}

/** `asset:shareable`. Safe to repeat. */
export async function makeShareable(context: RenditionContext, assetId: string, run: Run): Promise<void> {
  const asset = await context.db.selectFrom('asset').selectAll().where('id', '=', assetId).executeTakeFirst()
  if (asset === undefined || !asset.holds_location) return
  await withScratch(context.scratch, async (folder) => {
    const original = originalOf(context.store, asset, run.signal)
    const path = await original.reading(() => original.file(folder))
    try {
      const copy = await copyWithout(context, asset, path, folder, run)
      await keepRenditions(context, asset, {
        made: [{ ...copy, name: 'shareable' }],
        replaces: () => false,
        change: async () => ({}),
        follow: async () => undefined,
      })
    } catch (error) {
      if (!(error instanceof CannotDecode)) throw error
      context.log.warn({ err: error, asset: asset.id }, 'others get no original of an asset')
    }
  })
}

/**
 * The original with its places blanked; of a film whose samples tell them its picture and sound alone, where those can be
 * copied. Throws `CannotDecode`.
 */
async function copyWithout(
  context: RenditionContext,
  asset: AssetRow,
  path: string,
  folder: string,
  run: Run,
): Promise<MadeFile> {
  const { content_type, width, height, duration } = asset
  const output = join(folder, 'shareable')
  try {
    await context.files.withoutLocation(path, content_type, { output, scratch: folder }, run)
    return { name: 'shareable', contentType: content_type, path: output, width, height, duration, detail: null }
  } catch (error) {
    if (!(error instanceof CannotDecode) || asset.kind === 'image') throw error
    const probe = await context.videos.probe(path, content_type, run.signal)
    if (!probe.playsEverywhere) throw error
    const copy = await context.videos.fastStart(path, probe, { scratch: folder, ...run })
    const metadata = await context.files.videoMetadata(copy.path, copy.contentType, run)
    if (metadata === null || metadata.holdsLocation) throw error
    return copy
  }
}
