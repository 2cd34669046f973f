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
import { createHolds } from './holds.ts'
import { type Horizon, type JournalEvent, type Page, readPages } from './journal.ts'
import { before, compare, type Position } from './position.ts'

export interface Subscriber {
  accountId: string
  position: Position
  /** It takes no more for now. */
  readonly isFull: boolean
  /** Kept by the relay: there may be more than it was given. */
  isBehind: boolean
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
  /** It was full and is not any more. */
  drained(subscriber: Subscriber): void
  wakeAll(): void
  close(): void
}

/** Milliseconds from one round to the next: no account is read more often, unless it has a backlog. */
const roundInterval = 100
/** Accounts of one statement, so that no answer is large. */
const accountsAtOnce = 50
/** Milliseconds between tries when the database does not answer. */
const failurePause = 1_000

export function createRelay({ db, log }: RelayDeps): Relay {
  const accounts = new Map<string, Set<Subscriber>>()
  /** Read in the next round. */
  const woken = new Set<string>()
  /** Read at once: they have a backlog, and somebody who takes it. */
  const hurried = new Set<string>()
  const holds = createHolds({ wake, log })
  let hurry = Promise.withResolvers<void>()
  let isRunning = false
  let isClosed = false

  function wake(accountId: string): void {
    if (isClosed || !accounts.has(accountId)) return
    woken.add(accountId)
    if (!isRunning) void run()
  }

  async function run(): Promise<void> {
    isRunning = true
    let nextRound = 0
    while (woken.size + hurried.size > 0 && !isClosed) {
      const early = nextRound - performance.now()
      if (early > 0 && hurried.size === 0) {
        hurry = Promise.withResolvers()
        await Promise.race([pause(early), hurry.promise])
        continue
      }
      const batch = new Set(hurried)
      hurried.clear()
      if (early <= 0) {
        for (const accountId of woken) batch.add(accountId)
        woken.clear()
        nextRound = performance.now() + roundInterval
      }
      await readAll([...batch])
    }
    isRunning = false
  }

  async function readAll(accountIds: string[]): Promise<void> {
    try {
      for (let index = 0; index < accountIds.length && !isClosed; index += accountsAtOnce) {
        await read(accountIds.slice(index, index + accountsAtOnce))
      }
    } catch (error) {
      log.warn({ err: error }, 'events could not be read; trying again')
      for (const accountId of accountIds) woken.add(accountId)
      await pause(failurePause)
    }
  }

  async function read(accountIds: string[]): Promise<void> {
    const wanted = new Map<string, Position>()
    for (const accountId of accountIds) {
      const hindmost = hindmostOf(accounts.get(accountId))
      if (hindmost !== null) wanted.set(accountId, hindmost)
    }
    if (wanted.size === 0) return
    const { pages, ...horizon } = await readPages(db, wanted)
    for (const [accountId, from] of wanted) {
      const page = pages.get(accountId)
      // Its streams may all have ended while it was read.
      const subscribers = accounts.get(accountId)
      if (page === undefined || subscribers === undefined) continue
      for (const subscriber of subscribers) advance(subscriber, from, page, horizon)
      if (page.isFull) hurried.add(accountId)
      holds.note(accountId, page.isHeldBack, horizon.safe)
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

    drained(subscriber) {
      if (!subscriber.isBehind) return
      hurried.add(subscriber.accountId)
      hurry.resolve()
      wake(subscriber.accountId)
    },

    wakeAll() {
      for (const accountId of accounts.keys()) wake(accountId)
    },

    close() {
      isClosed = true
      holds.close()
    },
  }
}

/** Of those that take something; the others are left for when they do. */
function hindmostOf(subscribers: Iterable<Subscriber> = []): Position | null {
  let hindmost: Position | null = null
  for (const subscriber of subscribers) {
    const { isFull, position } = subscriber
    if (isFull) subscriber.isBehind = true
    else if (hindmost === null || compare(position, hindmost) < 0) hindmost = position
  }
  return hindmost
}

function advance(subscriber: Subscriber, from: Position, page: Page, { safe, removed }: Horizon): void {
  // It joined or drained while the page was read, further back than where the page begins.
  if (subscriber.isFull || compare(subscriber.position, from) < 0) return
  subscriber.isBehind = page.isFull
  if (subscriber.position.transaction <= removed) {
    subscriber.position = before(safe)
    subscriber.reset(subscriber.position)
    return
  }
  const news = page.events.filter(({ position }) => compare(position, subscriber.position) > 0)
  if (compare(page.position, subscriber.position) > 0) subscriber.position = page.position
  if (news.length > 0) subscriber.deliver(news)
}
