/** The job `timeline:fold`: adds what has changed to the counts of its month. */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import type { Tasks } from '../engines/jobs/jobs.ts'

declare module '../engines/jobs/jobs.ts' {
  interface TaskPayloads {
    'timeline:fold': Record<string, never>
  }
}

/** Rows of one statement. */
const batchSize = 10_000

export function timelineTasks({ db }: { db: Db }): Pick<Tasks, 'timeline:fold'> {
  return {
    'timeline:fold': async (_payload, { signal }) => {
      while (!signal.aborted && (await foldChanges(db)) === batchSize);
    },
  }
}

/** One at a time, so that two never wait for each other's months. Returns how many changes it took. */
export async function foldChanges(db: Db, limit = batchSize): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const { rows: locks } = await sql<{ mine: boolean }>`
      select pg_try_advisory_xact_lock(hashtext('timeline:fold')) as mine`.execute(tx)
    if (locks[0]?.mine !== true) return 0
    const { rows } = await sql<{ taken: number }>`
      with taken as (
        delete from timeline_change where ctid = any (array(select ctid from timeline_change limit ${limit}))
        returning *
      ),
      folded as (
        insert into timeline_month as kept (owner_id, month, images, videos, favorite_images, favorite_videos, changes)
        select owner_id, month, sum(images), sum(videos), sum(favorite_images), sum(favorite_videos), sum(changes)
        from taken
        where exists (select from account where account.id = taken.owner_id)
        group by owner_id, month
        on conflict (owner_id, month) do update set
          images = kept.images + excluded.images,
          videos = kept.videos + excluded.videos,
          favorite_images = kept.favorite_images + excluded.favorite_images,
          favorite_videos = kept.favorite_videos + excluded.favorite_videos,
          changes = kept.changes + excluded.changes
      )
      select count(*)::integer as taken from taken`.execute(tx)
    return rows[0]?.taken ?? 0
  })
}
