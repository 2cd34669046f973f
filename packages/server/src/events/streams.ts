/**
 * The open event streams of this process. A stream lives as long as its client listens, its credentials hold and the
 * server does not drain; when it ends, for whatever reason, the client resumes where it was on a new connection, here or
 * on another server.
 */
import type { Db } from '../engines/database/database.ts'
import { type Listener, listen } from '../engines/database/listener.ts'
import { isProblem, problems } from '../problem.ts'
import { findHorizon } from './journal.ts'
import { createPlaces } from './places.ts'
import { before, type Position, parsePosition } from './position.ts'
import { wakeChannel } from './publish.ts'
import { createRelay, type Subscriber } from './relay.ts'
import { eventText, greeting, heartbeatText, resetText } from './text.ts'

export interface EventStreamLimits {
  perAccount: number
  perProcess: number
  /** Seconds between heartbeats, at each of which credentials are checked; a client that took nothing over two is gone. */
  heartbeat: number
  /** Milliseconds after which a client comes back; drawn for each, so that those of one server do not come together. */
  retry: { from: number; to: number }
}

const defaultLimits: EventStreamLimits = {
  perAccount: 32,
  perProcess: 2_000,
  heartbeat: 20,
  retry: { from: 1_000, to: 5_000 },
}

export interface EventStreamDeps {
  db: Db
  databaseUrl: string
  log: { warn(fields: object, message: string): void }
  meter: { eventStreams(open: number): void }
  limits?: Partial<EventStreamLimits>
}

/** Where a stream is written to; a response is one. */
export interface Sink {
  /** False when it holds more than it likes; `drained` is called when it does no longer. */
  write(text: string): boolean
  /** Ends it after what was written. */
  end(): void
  /** Ends it now. */
  destroy(): void
}

export interface OpenStream {
  /** The sink takes more again. */
  drained(): void
  /** The sink is gone. */
  closed(): void
}

export interface EventStreams {
  /**
   * A stream from `lastEventId` on, from now on when it is null. Resolves once nothing from here on is missed. `verify`
   * throws a problem when the caller may no longer listen.
   *
   * Throws `too-many-requests` and `unavailable`, with when to try again.
   */
  open(
    caller: { accountId: string; lastEventId: string | null; verify: () => Promise<unknown> },
    connect: () => Sink,
  ): Promise<OpenStream>
  /** Ends all streams and refuses new ones. */
  close(): Promise<void>
}

export function createEventStreams({ db, databaseUrl, log, meter, limits: given }: EventStreamDeps): EventStreams {
  const limits = { ...defaultLimits, ...given }
  const places = createPlaces(limits, meter.eventStreams)
  const relay = createRelay({ db, log })
  const endings = new Set<() => void>()
  let listener: Listener | null = null
  let isClosed = false

  /** Connects with the first stream: a process that has none needs to hear nothing. */
  function hear(): void {
    listener ??= listen({
      url: databaseUrl,
      channel: wakeChannel,
      onNotification: relay.wake,
      // Nobody knows what was said before.
      onListening: relay.wakeAll,
      log,
    })
  }

  function refuseWhenClosed(): void {
    if (isClosed) throw problems.unavailable('This server is about to stop. Connect again.', { retryAfter: 1 })
  }

  return {
    async open({ accountId, lastEventId, verify }, connect) {
      refuseWhenClosed()
      const leave = places.enter(accountId)
      let start: { position: Position; isReset: boolean }
      try {
        start = await findStart(db, lastEventId)
        refuseWhenClosed()
      } catch (error) {
        leave()
        throw error
      }
      hear()

      const sink = connect()
      /** Since when the sink is full, in milliseconds of the monotonic clock. */
      let fullSince: number | null = null
      const write = (text: string): void => {
        if (!sink.write(text)) fullSince ??= performance.now()
      }
      const subscriber: Subscriber = {
        accountId,
        position: start.position,
        isBehind: true,
        get isFull() {
          return fullSince !== null
        },
        deliver: (events) => write(events.map(eventText).join('')),
        reset: (position) => write(resetText(position)),
      }
      const { from, to } = limits.retry
      write(
        greeting(start.position, from + Math.round(Math.random() * (to - from))) +
          (start.isReset ? resetText(start.position) : ''),
      )

      const stop = relay.join(subscriber)
      const beat = setInterval(() => void heartbeat(), limits.heartbeat * 1000)
      endings.add(end)

      function closed(): void {
        if (!endings.delete(end)) return
        clearInterval(beat)
        stop()
        leave()
      }

      function end(): void {
        closed()
        // What a full sink holds may never be taken, and would be waited for.
        if (fullSince === null) sink.end()
        else sink.destroy()
      }

      async function heartbeat(): Promise<void> {
        if (fullSince !== null && performance.now() - fullSince >= limits.heartbeat * 1000) {
          closed()
          sink.destroy()
          return
        }
        try {
          await verify()
        } catch (error) {
          // An engine that is down says nothing about the credentials.
          if (isProblem(error) && error.status < 500) return end()
          log.warn({ err: error }, 'the credentials of an event stream could not be checked; trying again')
        }
        if (!endings.has(end)) return
        if (fullSince === null) write(heartbeatText(subscriber.position))
        // Moves the position, and finds what a notification should have told.
        relay.wake(accountId)
      }

      return {
        drained() {
          fullSince = null
          relay.drained(subscriber)
        },
        closed,
      }
    },

    async close() {
      isClosed = true
      for (const end of [...endings]) end()
      relay.close()
      await listener?.close()
    },
  }
}

/** Now, unless the client says where it was and that can still be told apart from what was removed. */
async function findStart(db: Db, lastEventId: string | null): Promise<{ position: Position; isReset: boolean }> {
  const { safe, next, removed } = await findHorizon(db)
  if (lastEventId === null) return { position: before(safe), isReset: false }
  const position = parsePosition(lastEventId)
  // Beyond what this database ever wrote: it was restored from a backup since.
  const isForeign = position === null || position.transaction > next
  if (isForeign || position.transaction <= removed) return { position: before(safe), isReset: true }
  return { position, isReset: false }
}
