/**
 * Assets whose bytes are missing from the store or are not what was uploaded. Such an asset is marked as failed by a
 * repair and never deleted: its row tells what was lost, and the same file uploaded again makes it whole.
 *
 * An asset that goes away while it is examined is no finding: its row goes before its bytes, so whoever finds the bytes
 * missing first and the row still there afterwards has found a loss.
 */
import { createHash } from 'node:crypto'
import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import { type AssetLoss, isLost, markLost, markRecovered } from '../assets/index.ts'
import type { Db } from '../engines/database/database.ts'
import type { AssetTable } from '../engines/database/schema.ts'
import { ObjectStoreError } from '../engines/object-store/index.ts'
import type { DoctorContext } from './context.ts'

type Suspect = Pick<
  Selectable<AssetTable>,
  'id' | 'owner_id' | 'object_key' | 'size' | 'sha256' | 'filename' | 'content_type'
> & { handle: string; is_marked: boolean }

const batchSize = 500
/** Assets looked at, or read, at once. */
const atOnce = 4

const differs = sql<boolean>`(object.key is null or object.size <> asset.size)`
const columns = sql`
  asset.id, asset.owner_id, asset.object_key, asset.size, asset.sha256, asset.filename, asset.content_type,
  account.handle, ${isLost} as is_marked`

export async function countAssets(connection: Db): Promise<{ assets: number; missing: number; marked: number }> {
  const { rows } = await sql<{ assets: number; missing: number; marked: number }>`
    select count(*) as assets, count(*) filter (where object.key is null and not ${isLost}) as missing,
           count(*) filter (where ${isLost}) as marked
    from asset left join doctor_object as object on object.key = asset.object_key`.execute(connection)
  return rows[0] ?? { assets: 0, missing: 0, marked: 0 }
}

/**
 * Compares every asset with the inventory that `connection` sees. The suspects are written down first: one join over
 * everything, however many of them there are. Joined anew for each batch, 400,000 assets took 14 s.
 */
export async function compareAssets(context: DoctorContext, connection: Db): Promise<void> {
  await sql`drop table if exists pg_temp.doctor_suspect`.execute(connection)
  await sql`
    create temporary table doctor_suspect as
    select asset.id from asset left join doctor_object as object on object.key = asset.object_key
    where case when ${isLost} then not ${differs} else ${differs} end`.execute(connection)
  await sql`alter table doctor_suspect add primary key (id)`.execute(connection)
  await sql`analyze doctor_suspect`.execute(connection)
  await inBatches(
    context,
    (last) =>
      sql<Suspect>`
      select ${columns}
      from doctor_suspect join asset on asset.id = doctor_suspect.id join account on account.id = asset.owner_id
      where doctor_suspect.id > ${last}
      order by doctor_suspect.id limit ${batchSize}`.execute(connection),
    (suspect) => (suspect.is_marked ? examineMarked(context, suspect) : examine(context, suspect)),
  )
  await sql`drop table doctor_suspect`.execute(connection)
}

/** Reads every object and compares its SHA-256. Returns how many bytes were read. */
export async function readAssets(context: DoctorContext, total: number): Promise<number> {
  let done = 0
  let bytes = 0
  await inBatches(
    context,
    (last) =>
      sql<Suspect>`
      select ${columns} from asset join account on account.id = asset.owner_id
      where asset.id > ${last} and not ${isLost}
      order by asset.id limit ${batchSize}`.execute(context.db),
    async (suspect) => {
      // Not `bytes += await …`: that adds to what it was before the wait, and several wait at once.
      const read = await examineBytes(context, suspect)
      bytes += read
      done += 1
      context.onProgress({ name: 'read', done, total })
    },
  )
  return bytes
}

async function inBatches(
  context: DoctorContext,
  next: (last: string) => Promise<{ rows: Suspect[] }>,
  visit: (suspect: Suspect) => Promise<void>,
): Promise<void> {
  let last = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const { rows } = await next(last)
    for (let start = 0; start < rows.length; start += atOnce) {
      context.signal.throwIfAborted()
      await Promise.all(rows.slice(start, start + atOnce).map(visit))
    }
    const end = rows.at(-1)
    if (end === undefined || rows.length < batchSize) return
    last = end.id
  }
}

async function examine(context: DoctorContext, suspect: Suspect): Promise<void> {
  const info = await context.store.head(suspect.object_key)
  if (info?.size === suspect.size) return
  if (info === null) await report(context, suspect, 'original-missing', `its object ${suspect.object_key} is gone`)
  else await report(context, suspect, 'original-damaged', `it has ${info.size} bytes instead of ${suspect.size}`)
}

async function examineBytes(context: DoctorContext, suspect: Suspect): Promise<number> {
  try {
    const { sha256, size } = await digest(context, suspect.object_key)
    const isRight = size === suspect.size && (suspect.sha256 === null || sha256.equals(suspect.sha256))
    // Another size was found by the comparison already.
    if (!isRight && size === suspect.size) {
      await report(context, suspect, 'original-damaged', `its SHA-256 is now ${sha256.toString('hex')}`)
    }
    return size
  } catch (error) {
    context.signal.throwIfAborted()
    // Missing: found by the comparison already, or deleted since.
    if (error instanceof ObjectStoreError && error.code === 'not-found') return 0
    if (!(error instanceof Error)) throw error
    context.findings.add({
      kind: 'asset-unreadable',
      subject: suspect.id,
      detail: `${describe(suspect)}: ${error.message}`,
      repaired: false,
    })
    return 0
  }
}

/** Its bytes were lost and something is there again: a person may have brought them back. */
async function examineMarked(context: DoctorContext, suspect: Suspect): Promise<void> {
  if (suspect.sha256 === null) return
  const { sha256 } = await digest(context, suspect.object_key)
  if (!sha256.equals(suspect.sha256)) return
  const repaired = context.repair && (await markRecovered(context, suspect))
  context.findings.add({ kind: 'asset-recovered', subject: suspect.id, detail: describe(suspect), repaired })
}

async function digest({ store, signal }: DoctorContext, key: string): Promise<{ sha256: Buffer; size: number }> {
  const hash = createHash('sha256')
  let size = 0
  const { body } = await store.get(key, { signal })
  for await (const chunk of body) {
    hash.update(chunk as Uint8Array)
    size += (chunk as Uint8Array).byteLength
  }
  return { sha256: hash.digest(), size }
}

async function report(context: DoctorContext, suspect: Suspect, loss: AssetLoss, detail: string): Promise<void> {
  const current = await context.db
    .selectFrom('asset')
    .select('id')
    .where('id', '=', suspect.id)
    .where('object_key', '=', suspect.object_key)
    .executeTakeFirst()
  if (current === undefined) return
  const repaired = context.repair && (await markLost(context.db, suspect, loss))
  context.findings.add({
    kind: loss === 'original-missing' ? 'asset-missing' : 'asset-damaged',
    subject: suspect.id,
    detail: `${describe(suspect)}: ${detail}`,
    repaired,
  })
}

function describe({ filename, handle, id }: Suspect): string {
  return `"${filename}" of ${handle} (asset ${id})`
}
