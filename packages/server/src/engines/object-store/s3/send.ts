/**
 * Sends one guarded body of known size in one request. A large one is streamed, so memory does not grow with it; a stream
 * cannot be sent twice, so the SDK does not retry it. A small one is sent as bytes, which the SDK does retry.
 */

import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { ObjectStoreError } from '../object-store.ts'
import { storing } from './errors.ts'
import type { GuardedBody } from './guarded-body.ts'

/** Bytes up to which a body is small. */
const smallBody = 64 * 1024

/** What `client.send` takes besides the command. */
export interface HttpOptions {
  abortSignal?: AbortSignal
  requestTimeout?: number
}

export interface SendOptions {
  /** Bytes. */
  size: number
  /** Milliseconds for the answer after the last byte. */
  timeout: number
}

/** Throws what was wrong with the body in preference to what the broken request says about it. */
export async function sendBody<T>(
  guarded: GuardedBody,
  { size, timeout }: SendOptions,
  send: (body: Readable | Uint8Array, http: HttpOptions) => Promise<T>,
): Promise<T> {
  if (size <= smallBody) {
    const bytes = await buffer(guarded.stream)
    return storing(() => send(bytes, {}))
  }

  const abort = new AbortController()
  const failures: unknown[] = []
  const giveUp = (error: unknown) => {
    failures.push(error)
    abort.abort()
  }
  let answerTimer: NodeJS.Timeout | undefined
  // The SDK pipes the stream into its request and would never notice that it failed.
  guarded.stream.on('error', giveUp)
  guarded.stream.on('end', () => {
    const late = new ObjectStoreError('unavailable', `The object store did not answer within ${timeout} ms`)
    answerTimer = setTimeout(giveUp, timeout, late)
  })
  try {
    // No limit on the whole: it takes as long as the client does. `guardBody` watches that it goes on.
    return await storing(() => send(guarded.stream, { abortSignal: abort.signal, requestTimeout: 0 }))
  } catch (error) {
    throw failures.length > 0 ? failures[0] : error
  } finally {
    clearTimeout(answerTimer)
    guarded.stream.destroy()
  }
}

/** Reads a body of unknown size into memory, for a request that must say its length first. The guard bounds it. */
export async function sendUnknownSize<T>(
  guarded: GuardedBody,
  send: (body: Uint8Array, http: HttpOptions) => Promise<T>,
): Promise<T> {
  const bytes = await buffer(guarded.stream)
  return storing(() => send(bytes, {}))
}
