/**
 * Quota numbers against what they count. Rows and numbers change in one transaction, so one statement, which sees one
 * moment, cannot see them apart while a server works: what differs is wrong.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../engines/database/database.ts'
import type { DoctorContext } from './context.ts'

interface WrongQuota {
  account_id: string
  handle: string
  used_bytes: number
  reserved_bytes: number
  true_used: number
  true_reserved: number
}

export async function checkQuotas(context: DoctorContext): Promise<void> {
  for (const wrong of await findWrong(context.db)) {
    if (context.repair) await context.db.transaction().execute((tx) => recount(tx, wrong.account_id))
    const parts = [
      ...(wrong.used_bytes === wrong.true_used
        ? []
        : [`${wrong.used_bytes} bytes count as used, its files have ${wrong.true_used}`]),
      ...(wrong.reserved_bytes === wrong.true_reserved
        ? []
        : [`${wrong.reserved_bytes} bytes count as reserved, its open uploads hold ${wrong.true_reserved}`]),
    ]
    context.findings.add({
      kind: 'quota-wrong',
      subject: wrong.account_id,
      detail: `${wrong.handle}: ${parts.join('; ')}`,
      repaired: context.repair,
    })
  }
}

/** One statement: one snapshot. Only accounts that are wrong leave the database. */
async function findWrong(db: Db): Promise<WrongQuota[]> {
  const { rows } = await sql<WrongQuota>`
    select quota.account_id, account.handle, quota.used_bytes, quota.reserved_bytes,
           coalesce(assets.bytes, 0)::bigint as true_used, coalesce(uploads.bytes, 0)::bigint as true_reserved
    from storage_quota as quota
    join account on account.id = quota.account_id
    left join (select owner_id, sum(size) as bytes from asset group by owner_id) as assets
      on assets.owner_id = quota.account_id
    left join (select owner_id, sum(reserved_bytes) as bytes from upload where state = 'uploading' group by owner_id) as uploads
      on uploads.owner_id = quota.account_id
    where quota.used_bytes <> coalesce(assets.bytes, 0) or quota.reserved_bytes <> coalesce(uploads.bytes, 0)
    order by account.handle`.execute(db)
  return rows
}

/**
 * Counts anew under the lock of the row. Whoever changed the numbers before has committed by then and is counted;
 * whoever has not yet changed them waits, and adds its change to the new ones.
 */
async function recount(tx: Tx, accountId: string): Promise<void> {
  await sql`select from storage_quota where account_id = ${accountId} for update`.execute(tx)
  await sql`
    update storage_quota
    set used_bytes = (select coalesce(sum(size), 0) from asset where owner_id = ${accountId}),
        reserved_bytes = (select coalesce(sum(reserved_bytes), 0) from upload where owner_id = ${accountId} and state = 'uploading')
    where account_id = ${accountId}`.execute(tx)
}
