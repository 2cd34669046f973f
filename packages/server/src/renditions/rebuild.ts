/** Finding what has no renditions, or old ones, and having them made: for the command line and the doctor. */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import type { AssetKind } from '../engines/database/schema.ts'
import type { Jobs } from '../engines/jobs/jobs.ts'
import { recipe } from './media.ts'
import { priorities } from './tasks.ts'

export interface Selection {
  /**
   * `missing`: never processed, by an older recipe, or failed for a reason that may be over. `all`: everything that has
   * its original.
   */
  which: 'missing' | 'all'
  /** Null for both. */
  kind: AssetKind | null
}

const batchSize = 500
/** Begins the keys of the jobs of a rebuild, so that they can be told from those of an import. */
const keyPrefix = 'renditions:'

export function rebuildKey(assetId: string, step: 'process' | 'playback'): string {
  return `${keyPrefix}${step}:${assetId}`
}

const isSelected = ({ which, kind }: Selection) => sql<boolean>`
  (${kind}::text is null or kind = ${kind})
  and (failure is null or failure not in ('original-missing', 'original-damaged'))
  and (${which === 'all'}
    or (state <> 'processing' and (recipe is null or recipe < ${recipe}))
    or (state = 'processing' and uploaded_at < now() - interval '1 hour')
    or failure in ('decoder-missing', 'processing-failed'))`

export async function countSelected(db: Db, selection: Selection): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from asset where ${isSelected(selection)}`.execute(db)
  return rows[0]?.count ?? 0
}

/** Enqueues in batches, each a statement of its own. Repeating it replaces what still waits. Returns how many. */
export async function enqueueSelected(
  { db, jobs }: { db: Db; jobs: Jobs },
  selection: Selection,
  { signal, onBatch }: { signal: AbortSignal; onBatch: (enqueued: number) => void },
): Promise<number> {
  let enqueued = 0
  let last = '00000000-0000-0000-0000-000000000000'
  while (!signal.aborted) {
    const { rows } = await sql<{ id: string }>`
      select id from asset where id > ${last} and ${isSelected(selection)} order by id limit ${batchSize}`.execute(db)
    const ids = rows.map(({ id }) => id)
    if (ids.length === 0) break
    await enqueueRebuild(jobs, db, ids)
    enqueued += ids.length
    onBatch(enqueued)
    last = ids.at(-1) ?? last
  }
  return enqueued
}

export async function enqueueRebuild(jobs: Jobs, db: Db, assetIds: string[]): Promise<void> {
  await jobs.enqueueAll(
    db,
    'asset:process-bulk',
    assetIds.map((assetId) => ({ payload: { assetId, rebuild: true }, key: rebuildKey(assetId, 'process') })),
    { priority: priorities.rebuild },
  )
}

/** Assets of rebuilds that wait or are being made. */
export async function countRebuilding(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from graphile_worker.jobs
    where key like ${`${keyPrefix}%`} and attempts < max_attempts`.execute(db)
  return rows[0]?.count ?? 0
}

export interface RebuildFailure {
  id: string
  filename: string
  reason: string
}

/** Assets that were there at `since` and whose processing has failed since then, once each. */
export async function rebuildFailures(db: Db, since: Date, limit: number): Promise<RebuildFailure[]> {
  const { rows } = await sql<RebuildFailure>`
    select distinct on (asset.id) asset.id, asset.filename, history_event.error_class as reason
    from history_event join asset on asset.id::text = history_event.object_id
    where history_event.at >= ${since} and history_event.action = 'asset.process' and history_event.outcome = 'failure'
      and asset.uploaded_at < ${since}
    order by asset.id, history_event.at desc limit ${limit}`.execute(db)
  return rows
}
