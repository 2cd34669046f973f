/**
 * Events of bytes served and taken, which happen thousands of times a second and belong to no transaction: gathered for a
 * moment and written together. Bounded: when the database is away for long the oldest are dropped, counted and said.
 */
import type { Db } from '../engines/database/database.ts'
import { type Attempt, type HistoryEvent, history } from './history.ts'

export interface HistoryWriter {
  add(attempt: Attempt, event: HistoryEvent): void
  /** Writes what is left. */
  close(): Promise<void>
}

const flushMilliseconds = 250
const flushSize = 500
const maxBuffered = 20_000

export interface HistoryWriterDeps {
  db: Db
  log: { error(fields: object, message: string): void }
}

export function createHistoryWriter({ db, log }: HistoryWriterDeps): HistoryWriter {
  let waiting: { attempt: Attempt; event: HistoryEvent }[] = []
  let dropped = 0
  let writing: Promise<void> | null = null

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, flushSize)
      await history.recordAll(db, batch)
      waiting = waiting.slice(batch.length)
    }
    if (dropped > 0) log.error({ dropped }, 'history events were dropped while the database was away')
    dropped = 0
  }

  function flushOnce(): Promise<void> {
    writing ??= flush()
      .catch((error: unknown) =>
        log.error({ err: error, waiting: waiting.length }, 'history could not be written; trying again'),
      )
      .finally(() => {
        writing = null
      })
    return writing
  }

  const timer = setInterval(() => {
    if (waiting.length > 0) void flushOnce()
  }, flushMilliseconds)
  timer.unref()

  return {
    add(attempt, event) {
      if (waiting.length >= maxBuffered) {
        waiting.shift()
        dropped += 1
      }
      waiting.push({ attempt, event })
    },

    async close() {
      clearInterval(timer)
      await writing
      await flushOnce()
    },
  }
}
