/**
 * Who may write to an upload right now, across all processes: a row of `upload_lease` that its holder renews while it
 * works. A newcomer asks the holder to stop and waits. The lease of a process that died runs out within seconds, and no
 * database connection is held meanwhile: all leases of a process are renewed by one statement a beat.
 *
 * What could go wrong: a process that stood still for longer than its leases lived, or that lost its database, believes
 * nothing: `isHeld` says no from the moment the lease may have run out, by this process' own clock.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lock, RequestRelease } from '@tus/server'
import { sql } from 'kysely'
import type { Db } from '../../engines/database/database.ts'
import { problems } from '../../problem.ts'

export interface Lease extends Lock {
  /** False from the moment another process may have taken over. */
  isHeld(): boolean
}

export interface Leases {
  newLock(uploadId: string): Lease
}

export interface LeaseOptions {
  db: Db
  log: { warn(fields: object, message: string): void }
  /** Milliseconds a lease lives without renewal. */
  lifetime?: number
  /** Milliseconds between renewals, which is also how soon a holder hears that somebody waits. */
  beat?: number
  /** Milliseconds a newcomer waits before it is told to come back. */
  patience?: number
}

interface Held {
  holder: string
  requestRelease: RequestRelease
  /** By `performance.now()`. */
  validUntil: number
}

export function createLeases({ db, log, lifetime = 5_000, beat = 500, patience = 15_000 }: LeaseOptions): Leases {
  const held = new Map<string, Held>()
  let isBeating = false

  const inLifetime = sql<Date>`now() + make_interval(secs => ${lifetime / 1000}::float8)`

  /** Null when somebody else has it. */
  async function take(uploadId: string, requestRelease: RequestRelease): Promise<Held | null> {
    const lease = { holder: randomUUID(), requestRelease, validUntil: performance.now() + lifetime }
    const taken = await db
      .insertInto('upload_lease')
      .values({ upload_id: uploadId, holder: lease.holder, expires_at: inLifetime })
      .onConflict((conflict) =>
        conflict
          .column('upload_id')
          .doUpdateSet({ holder: lease.holder, release_requested: false, expires_at: inLifetime })
          .where('upload_lease.expires_at', '<', sql<Date>`now()`),
      )
      .returning('upload_id')
      .executeTakeFirst()
    if (taken === undefined) return null
    held.set(uploadId, lease)
    if (!isBeating) void keepBeating()
    return lease
  }

  /** A holder in this process is asked at once, one elsewhere at its next beat. */
  async function askForRelease(uploadId: string): Promise<void> {
    const own = held.get(uploadId)
    if (own !== undefined) return own.requestRelease()
    await db
      .updateTable('upload_lease')
      .set({ release_requested: true })
      .where('upload_id', '=', uploadId)
      .where('release_requested', '=', false)
      .execute()
  }

  async function keepBeating(): Promise<void> {
    isBeating = true
    while (held.size > 0) {
      await delay(beat, undefined, { ref: false })
      try {
        await renew([...held])
      } catch (error) {
        log.warn({ err: error }, 'the leases of tus uploads could not be renewed')
      }
      for (const [uploadId, lease] of held) {
        if (performance.now() < lease.validUntil) continue
        held.delete(uploadId)
        await lease.requestRelease()
      }
    }
    isBeating = false
  }

  async function renew(leases: [uploadId: string, Held][]): Promise<void> {
    const validUntil = performance.now() + lifetime
    const holders = leases.map(([, { holder }]) => holder)
    const rows = await db
      .updateTable('upload_lease')
      .set({ expires_at: inLifetime })
      .where(sql<boolean>`holder = any(${holders}::uuid[])`)
      .where('expires_at', '>', sql<Date>`now()`)
      .returning(['holder', 'release_requested'])
      .execute()
    const isWanted = new Map(rows.map((row) => [row.holder, row.release_requested]))
    for (const [, lease] of leases) {
      // Without a row another took it over, or the upload is gone: then it is over at once.
      lease.validUntil = isWanted.has(lease.holder) ? validUntil : 0
      if (isWanted.get(lease.holder) === true) await lease.requestRelease()
    }
  }

  async function giveBack(uploadId: string, lease: Held): Promise<void> {
    if (held.get(uploadId) === lease) held.delete(uploadId)
    lease.validUntil = 0
    try {
      await db.deleteFrom('upload_lease').where('upload_id', '=', uploadId).where('holder', '=', lease.holder).execute()
    } catch (error) {
      // What was done under it stands, and it runs out by itself.
      log.warn({ err: error, uploadId }, 'the lease of a tus upload could not be returned')
    }
  }

  return {
    newLock(uploadId) {
      let lease: Held | null = null
      return {
        isHeld: () => lease !== null && performance.now() < lease.validUntil,

        async lock(signal, requestRelease) {
          const deadline = performance.now() + patience
          for (;;) {
            lease = await take(uploadId, requestRelease)
            if (lease !== null) return
            if (signal.aborted || performance.now() > deadline) throw stillLocked()
            await askForRelease(uploadId)
            await delay(50 + Math.random() * 100)
          }
        },

        async unlock() {
          if (lease !== null) await giveBack(uploadId, lease)
        },
      }
    },
  }
}

function stillLocked() {
  return problems.uploadLocked('Another request is still sending to this upload. Try again in a moment.', {
    retryAfter: 1,
  })
}
