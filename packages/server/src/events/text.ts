/** Server-sent events as bytes (WHATWG HTML, section 9.2.5). JSON has no line breaks of its own, so data is one line. */
import type { JournalEvent } from './journal.ts'
import { formatPosition, type Position } from './position.ts'

/** First words of a connection: when to come back after it broke, and where this one begins. */
export function greeting(position: Position, retryMilliseconds: number): string {
  return `retry: ${retryMilliseconds}\nid: ${formatPosition(position)}\n\n`
}

export function eventText({ position, type, id, state, data }: JournalEvent): string {
  return `id: ${formatPosition(position)}\nevent: ${type}\ndata: ${JSON.stringify({ id, state, data })}\n\n`
}

export function resetText(position: Position): string {
  return `id: ${formatPosition(position)}\nevent: reset\ndata: {}\n\n`
}

/**
 * A comment for proxies and dead clients. The id without data is no event, but moves where the client resumes, so that one
 * for whom nothing happened for days is not told that it missed something.
 */
export function heartbeatText(position: Position): string {
  return `: heartbeat\nid: ${formatPosition(position)}\n\n`
}
