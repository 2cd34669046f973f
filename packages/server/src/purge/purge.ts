/**
 * How bytes leave the store. A transaction that gives an object up writes its key to `object_deletion` and enqueues
 * `objects:delete`; the job deletes until the store says it is gone. A row therefore stays for as long as bytes may exist:
 * also past the first deletion, while a URL that was handed out could put the bytes there again (`sweep_until`).
 *
 * What could go wrong: a store that does not answer (the job is tried again, and the hourly sweep finds rows whose job
 * gave up), and a key that some asset still refers to (a defect; it is left alone and reported).
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../engines/database/database.ts'
import type { Fault } from '../engines/faults/faults.ts'
import type { Jobs, Tasks } from '../engines/jobs/jobs.ts'
import type { ObjectStore } from '../engines/object-store/index.ts'

declare module '../engines/jobs/jobs.ts' {
  interface TaskPayloads {
    /** Deletes the objects of these rows of `object_deletion` from the store. */
    'objects:delete': { keys: string[] }
    /** Enqueues again what should have been deleted long ago. */
    'objects:sweep': Record<string, never>
  }
}

export interface GivenUpObject {
  object_key: string
  store_upload_id?: string | null
  grants_until: Date | null
  reason: string
}

const keysPerJob = 100
/** Seconds after which a deletion that is still there has lost its job. */
const overdue = 3600

/**
 * To be called in the transaction that removes the last row that refers to these objects. `notBefore` keeps the bytes a
 * while, where URLs are out that people are using.
 */
export async function giveUpObjects(
  jobs: Jobs,
  tx: Tx,
  objects: GivenUpObject[],
  { notBefore }: { notBefore?: Date } = {},
): Promise<void> {
  const dueAt = notBefore ?? sql<Date>`now()`
  for (let start = 0; start < objects.length; start += keysPerJob) {
    const batch = objects.slice(start, start + keysPerJob)
    await tx
      .insertInto('object_deletion')
      .values(
        batch.map((object) => ({
          object_key: object.object_key,
          store_upload_id: object.store_upload_id ?? null,
          reason: object.reason,
          sweep_until: object.grants_until ?? new Date(0),
          due_at: dueAt,
        })),
      )
      .onConflict((conflict) =>
        conflict.column('object_key').doUpdateSet({
          due_at: sql`excluded.due_at`,
          sweep_until: sql`greatest(object_deletion.sweep_until, excluded.sweep_until)`,
        }),
      )
      .execute()
    await jobs.enqueue(
      tx,
      'objects:delete',
      { keys: batch.map((object) => object.object_key) },
      notBefore === undefined ? {} : { runAt: notBefore, priority: 10 },
    )
  }
}

/**
 * For objects that may be for nothing, before they are stored: whoever dies, the sweep removes them some time after
 * `due_at`. They are given up as any other when they are not needed any more.
 */
export async function foreseeDeletion(
  db: Db | Tx,
  objects: { object_key: string; reason: string; due_at: Date }[],
): Promise<void> {
  if (objects.length === 0) return
  await db
    .insertInto('object_deletion')
    .values(objects.map((object) => ({ ...object, sweep_until: new Date(0) })))
    .execute()
}

/**
 * For objects whose deletion was foreseen: in the transaction that gives them a row which refers to them. Throws when the
 * deletion of one has begun: it came too late, and must begin again with other keys.
 */
export async function keepForeseen(tx: Tx, objectKeys: string[]): Promise<void> {
  const kept = await tx
    .deleteFrom('object_deletion')
    .where(sql<boolean>`object_key = any(${objectKeys}::text[])`)
    .returning('object_key')
    .execute()
  if (kept.length !== new Set(objectKeys).size) throw new Error('Objects were removed before anything referred to them')
}

export interface PurgeDeps {
  db: Db
  store: ObjectStore
  jobs: Jobs
  now: () => Date
  fault: Fault
}

export function purgeTasks(deps: PurgeDeps): Pick<Tasks, 'objects:delete' | 'objects:sweep'> {
  return {
    'objects:delete': ({ keys }) => deleteObjects(deps, keys),
    'objects:sweep': () => sweepOverdue(deps),
  }
}

async function deleteObjects(deps: PurgeDeps, keys: string[]): Promise<void> {
  const rows = await deps.db
    .selectFrom('object_deletion')
    .selectAll()
    .where(sql<boolean>`object_key = any(${keys}::text[])`)
    .execute()
  const failures: unknown[] = []
  for (const row of rows) {
    try {
      await refuseReferred(deps.db, row.object_key)
      if (row.store_upload_id !== null) await deps.store.abortMultipart(row.object_key, row.store_upload_id)
      await deps.store.delete(row.object_key)
      deps.fault('purge.object-deleted')
      await settleDeletion(deps, row.object_key, row.sweep_until)
    } catch (error) {
      failures.push(error)
      await deps.db
        .updateTable('object_deletion')
        .set((eb) => ({ attempts: eb('attempts', '+', 1) }))
        .where('object_key', '=', row.object_key)
        .execute()
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} of ${rows.length} objects could not be deleted`)
}

async function settleDeletion(deps: PurgeDeps, key: string, sweepUntil: Date): Promise<void> {
  if (sweepUntil <= deps.now()) {
    await deps.db.deleteFrom('object_deletion').where('object_key', '=', key).execute()
    return
  }
  await deps.db.transaction().execute(async (tx) => {
    await tx.updateTable('object_deletion').set({ due_at: sweepUntil }).where('object_key', '=', key).execute()
    await deps.jobs.enqueue(tx, 'objects:delete', { keys: [key] }, { runAt: sweepUntil, priority: 10 })
  })
}

async function refuseReferred(db: Db, key: string): Promise<void> {
  const asset = await db
    .selectFrom('asset')
    .select('id')
    .where('object_key', '=', key)
    .unionAll((query) => query.selectFrom('rendition').select('asset_id as id').where('object_key', '=', key))
    .executeTakeFirst()
  if (asset !== undefined) throw new Error(`The object ${key} is to be deleted, but asset ${asset.id} refers to it`)
}

async function sweepOverdue(deps: PurgeDeps): Promise<void> {
  const before = new Date(deps.now().getTime() - overdue * 1000)
  const rows = await deps.db
    .selectFrom('object_deletion')
    .select('object_key')
    .where('due_at', '<', before)
    .orderBy('due_at')
    .limit(10_000)
    .execute()
  const keys = rows.map((row) => row.object_key)
  for (let start = 0; start < keys.length; start += keysPerJob) {
    await deps.jobs.enqueue(
      deps.db,
      'objects:delete',
      { keys: keys.slice(start, start + keysPerJob) },
      { priority: 10 },
    )
  }
}
