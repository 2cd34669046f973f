/** Forgets events after a day: by then a client does better to load what it shows again. */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import type { Tasks } from '../engines/jobs/jobs.ts'

declare module '../engines/jobs/jobs.ts' {
  interface TaskPayloads {
    /** Removes events older than a day. */
    'events:tidy': Record<string, never>
  }
}

/** Hours. */
const retention = 24
/** Rows of one statement: short enough that nobody waits for its locks. */
const batchSize = 5_000

export function eventTasks({ db }: { db: Db }): Tasks {
  return {
    'events:tidy': async (_payload, { signal }) => {
      while (!signal.aborted && (await removeBatch(db)) === batchSize);
    },
  }
}

/**
 * Removes and draws the horizon in one statement, so that no reader sees one without the other. What still waits for an
 * older transaction was told to nobody yet and stays.
 */
async function removeBatch(db: Db): Promise<number> {
  const { rows } = await sql<{ removed: number }>`
    with removed as (
      delete from account_event
      where ctid = any (array(
        select ctid from account_event
        where at < now() - make_interval(hours => ${sql.lit(retention)})
          and transaction < pg_snapshot_xmin(pg_current_snapshot())
        limit ${sql.lit(batchSize)}
      ))
      returning transaction
    ),
    drawn as (
      update account_event_horizon
      set transaction = greatest(transaction, (select max(transaction) from removed))
      where exists (select from removed)
    )
    select count(*)::int as removed from removed`.execute(db)
  return rows[0]?.removed ?? 0
}
