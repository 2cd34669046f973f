/**
 * The account's event stream (server-sent events, WHATWG HTML section 9.2) over `fetch`, which unlike `EventSource` sends a
 * bearer token and exists in Node. A connection that ends, breaks or falls silent is followed by another one that goes on
 * where it was: every event is seen once.
 */
import type { operations } from './api.generated.ts'
import { ConnectionFailed, isTransient } from './problem.ts'
import { backoffMs, pause } from './upload/retry.ts'

type WireEvent = operations['streamEvents']['responses'][200]['content']['text/event-stream']

export interface AccountEvent {
  type: Exclude<WireEvent['event'], 'reset'>
  /** Where a later stream goes on after this event. */
  eventId: string
  /** Of the asset, upload or notification. */
  id: string
  state: string
  data: Record<string, unknown> | null
}

/** Events were missed that are no longer kept: load again what is shown. */
export interface EventReset {
  type: 'reset'
  eventId: string
}

export interface EventsOptions {
  /** Of the last event seen before; without it the stream begins now. */
  lastEventId?: string | null
  /** Ends the iteration. */
  signal?: AbortSignal
  /** Called for each connection once nothing that happens from here on is missed: the moment to load what is shown. */
  onOpen?: () => void
}

/** Milliseconds without a byte after which a connection counts as dead; the server sends a heartbeat every 20 seconds. */
const longestSilence = 65_000
/** Milliseconds before another connection, until the server names its own, and at most. */
const firstPause = 1_000
const longestPause = 30_000

/**
 * Throws `ApiProblem` when the server refuses for good, for example when the token is no longer valid; what passes, and
 * servers that are away, are waited for.
 *
 * `connect` resolves with the answer when it is a success.
 */
export async function* readEvents(
  connect: (headers: Record<string, string>, signal: AbortSignal) => Promise<Response>,
  options: EventsOptions = {},
): AsyncGenerator<AccountEvent | EventReset, void, undefined> {
  const signal = options.signal ?? new AbortController().signal
  let lastEventId = options.lastEventId ?? null
  let retryMs = firstPause
  let failures = 0
  while (!signal.aborted) {
    const watchdog = createWatchdog(signal)
    try {
      const headers = { accept: 'text/event-stream', ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }) }
      const response = await connect(headers, watchdog.signal)
      if (response.body === null || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
        throw new ConnectionFailed('unreachable', `${response.url} does not answer with a stream of events`)
      }
      options.onOpen?.()
      for await (const block of readBlocks(response.body, watchdog.heard)) {
        failures = 0
        lastEventId = block.id ?? lastEventId
        retryMs = block.retry ?? retryMs
        const event = toEvent(block, lastEventId)
        if (event !== null) yield event
      }
      await pause(retryMs, signal)
    } catch (error) {
      if (signal.aborted) return
      if (!isTransient(error)) throw error
      failures += 1
      const policy = { attempts: Number.POSITIVE_INFINITY, baseMs: retryMs, capMs: longestPause }
      await pause(backoffMs(failures, error, policy), signal).catch(() => undefined)
    } finally {
      watchdog.stop()
    }
  }
}

/** Aborts with the caller's signal, and when nothing was heard for long. */
function createWatchdog(caller: AbortSignal) {
  const silence = new AbortController()
  const bark = () => silence.abort(new ConnectionFailed('stalled', 'The event stream fell silent'))
  let timer = setTimeout(bark, longestSilence)
  return {
    signal: AbortSignal.any([caller, silence.signal]),
    heard() {
      clearTimeout(timer)
      timer = setTimeout(bark, longestSilence)
    },
    stop() {
      clearTimeout(timer)
      // Also when the iteration was left in the middle of a connection.
      silence.abort()
    },
  }
}

interface Block {
  event: string
  data: string
  id: string | null
  /** Milliseconds. */
  retry: number | null
}

/** The blocks between empty lines; comments are heard but say nothing. */
async function* readBlocks(body: ReadableStream<Uint8Array>, heard: () => void): AsyncGenerator<Block> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(brokenOff)
      // What is not ended by an empty line did not come whole.
      if (done) return
      heard()
      const blocks = (rest + value).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) yield parseBlock(block)
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function brokenOff(error: unknown): never {
  throw error instanceof ConnectionFailed
    ? error
    : new ConnectionFailed('unreachable', 'The event stream broke off', error)
}

function parseBlock(text: string): Block {
  const block: Block = { event: 'message', data: '', id: null, retry: null }
  for (const line of text.split('\n')) {
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (field === 'event') block.event = value
    else if (field === 'data') block.data += value
    else if (field === 'id') block.id = value
    else if (field === 'retry' && /^\d+$/.test(value)) block.retry = Number(value)
  }
  return block
}

/** Null for what is no event, or one of a kind that this version does not know. */
function toEvent({ event, data }: Block, eventId: string | null): AccountEvent | EventReset | null {
  if (data === '' || eventId === null) return null
  if (event === 'reset') return { type: event, eventId }
  if (event !== 'asset.updated' && event !== 'upload.updated' && event !== 'notification') return null
  const { id, state, data: detail } = JSON.parse(data) as Pick<AccountEvent, 'id' | 'state' | 'data'>
  return { type: event, eventId, id, state, data: detail }
}
