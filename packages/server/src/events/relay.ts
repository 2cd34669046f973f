/**
 * Brings events from the journal to the streams of this process. Whoever is woken is read in the next round: one page for
 * each account, for all its streams together, however many notifications came. A stream that joins with an old position,
 * one that was slow, and one that is up to date are the same thing here: each has a position, an account is read from the
 * hindmost, and each stream takes what lies ahead of its own.
 *
 * The database is the buffer. A stream that is full is left where it is and goes on when it has drained.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Db } from '../engines/database/database.ts'
import { type JournalEvent, type Page, readPages } from './journal.ts'
import { before, compare, type Position } from './position.ts'

export interface Subscriber {
  accountId: string
  position: Position
  /** It takes no more for now. */
  readonly isFull: boolean
  deliver(events: JournalEvent[]): void
  /** Events between its position and this one are gone. */
  reset(position: Position): void
}

export interface RelayDeps {
  db: Db
  log: { warn(fields: object, message: string): void }
}

export interface Relay {
  /** Reads what lies ahead of it, and from then on whenever its account is woken. Returns how to stop. */
  join(subscriber: Subscriber): () => void
  /** The account may have new events. */
  wake(accountId: string): void
  wakeAll(): void
  close(): void
}

/** Milliseconds from the begin of a round to the next: no account is read more often, unless it has a backlog. */
const roundInterval = 100
/** Accounts of one statement, so that no answer is large. */
const accountsAtOnce = 50
/** Milliseconds until the next look at events that wait for an older transaction. */
const firstHold = 20
const longestHold = 1_000
/** Milliseconds a transaction may hold events back before the log names it. */
const longHold = 10_000
/** Milliseconds between tries when the database does not answer. */
const failurePause = 1_000

export function createRelay({ db, log }: RelayDeps): Relay {
  const accounts = new Map<string, Set<Subscriber>>()
  const woken = new Set<string>()
  const holds = createHolds()
  let isRunning = false
  let isClosed = false

  function wake(accountId: string): void {
    if (isClosed || !accounts.has(accountId)) return
    woken.add(accountId)
    if (!isRunning) void run()
  }

  async function run(): Promise<void> {
    isRunning = true
    while (woken.size > 0 && !isClosed) {
      const roundEnds = pause(roundInterval)
      const round = [...woken]
      woken.clear()
      let hasMore = false
      try {
        for (let index = 0; index < round.length && !isClosed; index += accountsAtOnce) {
          if (await read(round.slice(index, index + accountsAtOnce))) hasMore = true
        }
      } catch (error) {
        log.warn({ err: error }, 'events could not be read; trying again')
        for (const accountId of round) woken.add(accountId)
        await pause(failurePause)
      }
      if (!hasMore) await roundEnds
    }
    isRunning = false
  }

  /** True when an account has more to be read at once. */
  async function read(accountIds: string[]): Promise<boolean> {
    const wanted = new Map<string, Position>()
    for (const accountId of accountIds) {
      const hindmost = hindmostOf(accounts.get(accountId))
      if (hindmost !== null) wanted.set(accountId, hindmost)
    }
    if (wanted.size === 0) return false
    const { safe, removed, pages } = await readPages(db, wanted)
    let hasMore = false
    for (const [accountId, from] of wanted) {
      const page = pages.get(accountId)
      if (page === undefined) continue
      for (const subscriber of accounts.get(accountId) ?? []) advance(subscriber, from, page, { safe, removed })
      if (page.isFull) {
        woken.add(accountId)
        hasMore = true
      }
      holds.note(accountId, page.isHeldBack, safe)
    }
    return hasMore
  }

  /** Looks again at accounts whose events wait, and says so when they wait for long. */
  function createHolds() {
    const delays = new Map<string, number>()
    let oldest: { transaction: bigint; since: number; isTold: boolean } | null = null

    return {
      note(accountId: string, isHeldBack: boolean, safe: bigint): void {
        if (!isHeldBack) {
          delays.delete(accountId)
          return
        }
        const delay = Math.min(longestHold, (delays.get(accountId) ?? firstHold / 2) * 2)
        delays.set(accountId, delay)
        setTimeout(() => wake(accountId), delay).unref()

        if (oldest?.transaction !== safe) oldest = { transaction: safe, since: performance.now(), isTold: false }
        const seconds = Math.round((performance.now() - oldest.since) / 1000)
        if (oldest.isTold || seconds * 1000 < longHold) return
        oldest.isTold = true
        log.warn(
          { transaction: `${safe}`, seconds },
          'events wait for a transaction that is open for long; pg_stat_activity.backend_xid shows whose it is',
        )
      },
      forget: (accountId: string) => delays.delete(accountId),
    }
  }

  return {
    join(subscriber) {
      const { accountId } = subscriber
      const streams = accounts.get(accountId) ?? new Set()
      accounts.set(accountId, streams.add(subscriber))
      wake(accountId)
      return () => {
        streams.delete(subscriber)
        if (streams.size > 0 || accounts.get(accountId) !== streams) return
        accounts.delete(accountId)
        holds.forget(accountId)
      }
    },

    wake,

    wakeAll() {
      for (const accountId of accounts.keys()) wake(accountId)
    },

    close() {
      isClosed = true
    },
  }
}

function hindmostOf(subscribers: Iterable<Subscriber> = []): Position | null {
  let hindmost: Position | null = null
  for (const { isFull, position } of subscribers) {
    if (isFull) continue
    if (hindmost === null || compare(position, hindmost) < 0) hindmost = position
  }
  return hindmost
}

function advance(
  subscriber: Subscriber,
  from: Position,
  page: Page,
  { safe, removed }: { safe: bigint; removed: bigint },
) {
  // It joined or drained while the page was read, further back than where the page begins: the next round is for it.
  if (subscriber.isFull || compare(subscriber.position, from) < 0) return
  if (subscriber.position.transaction <= removed) {
    subscriber.position = before(safe)
    subscriber.reset(subscriber.position)
    return
  }
  const news = page.events.filter(({ position }) => compare(position, subscriber.position) > 0)
  if (compare(page.position, subscriber.position) > 0) subscriber.position = page.position
  if (news.length > 0) subscriber.deliver(news)
}
