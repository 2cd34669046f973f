/**
 * The store's list of objects as a temporary table, so that Postgres compares the two sides and this process holds no
 * more than a batch, whatever their size. The table lives in one connection and is seen by nobody else.
 *
 * The list is older than anything it is compared with, and takes long. So what differs is only a suspect: the parts that
 * use it look at each one again, at the store and in the database, before they call it a finding.
 */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import type { DoctorContext } from './context.ts'

const batchSize = 2_000

/** Lists the store, then calls `compare` with the connection that sees `doctor_object (key, size)`. */
export async function withInventory<T>(
  context: DoctorContext,
  compare: (connection: Db, objects: number) => Promise<T>,
): Promise<T> {
  return context.db.connection().execute(async (connection) => {
    await sql`drop table if exists pg_temp.doctor_object`.execute(connection)
    await sql`create temporary table doctor_object (key text not null, size bigint not null)`.execute(connection)
    const objects = await listInto(context, connection)
    // Postgres orders keys by the collation of the database; the index and the questions use the same one.
    await sql`create index on doctor_object (key)`.execute(connection)
    await sql`analyze doctor_object`.execute(connection)
    const result = await compare(connection, objects)
    await sql`drop table doctor_object`.execute(connection)
    return result
  })
}

async function listInto({ store, onProgress, signal }: DoctorContext, connection: Db): Promise<number> {
  let listed = 0
  let batch: { key: string; size: number }[] = []
  const flush = async () => {
    await sql`insert into doctor_object (key, size)
      select * from unnest(${batch.map(({ key }) => key)}::text[], ${batch.map(({ size }) => size)}::bigint[])`.execute(
      connection,
    )
    listed += batch.length
    batch = []
    onProgress({ name: 'list', done: listed, total: null })
  }
  for await (const object of store.list()) {
    signal.throwIfAborted()
    batch.push(object)
    if (batch.length >= batchSize) await flush()
  }
  if (batch.length > 0) await flush()
  return listed
}
