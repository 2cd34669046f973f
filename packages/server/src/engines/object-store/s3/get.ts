/**
 * Reads an object by a request of our own. The SDK's middleware costs more processor time than everything else of a
 * completion, which reads sixteen kilobytes. Only the plain answers are taken here: whatever else comes (a refusal, a
 * clock that is off, a broken connection) is asked again through the SDK, which retries and knows what it means.
 */
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { ByteRange } from '../object-store.ts'
import type { S3Connection } from './client.ts'

export interface PlainAnswer {
  /** Of the whole object, bytes. */
  size: number
  etag: string
  lastModified: Date
  body: IncomingMessage
}

/** Null where the SDK should ask. Throws the signal's reason. */
export type PlainGet = (url: string, range?: ByteRange, signal?: AbortSignal) => Promise<PlainAnswer | null>

export function createPlainGet({ agents, timeout }: Pick<S3Connection, 'agents' | 'timeout'>): PlainGet {
  return (url, range, signal) =>
    new Promise((resolve, reject) => {
      const isTls = url.startsWith('https:')
      const request = (isTls ? https : http).get(url, {
        agent: isTls ? agents.https : agents.http,
        timeout,
        ...(range !== undefined && { headers: { range: `bytes=${range.start}-${range.end}` } }),
        ...(signal && { signal }),
      })
      const onTimeout = () => request.destroy()
      request.once('timeout', onTimeout)
      request.on('error', () => (signal?.aborted === true ? reject(signal.reason) : resolve(null)))
      request.once('response', (body) => {
        // From here on whoever reads decides how long is too long.
        request.off('timeout', onTimeout)
        const answer = toAnswer(body)
        // Nobody reads it: its end frees the connection, and its failure is nobody's.
        if (answer === null) body.on('error', () => undefined).resume()
        resolve(answer)
      })
    })
}

function toAnswer(body: IncomingMessage): PlainAnswer | null {
  const { statusCode, headers } = body
  const size = statusCode === 206 ? /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] : headers['content-length']
  const isPlain = (statusCode === 200 || statusCode === 206) && headers['content-encoding'] === undefined
  if (!isPlain || size === undefined || headers.etag === undefined) return null
  return { size: Number(size), etag: headers.etag, lastModified: new Date(headers['last-modified'] ?? 0), body }
}
