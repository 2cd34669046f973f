/**
 * Puts one part until it is stored: best endpoint first, each attempt with its checksum, under a watchdog and a permit of
 * the limiter. What can end it: the upload is gone (`UploadGone`), every endpoint refuses it or all tries are used (the
 * last error), the file changed (`SourceChanged`), or the signal.
 */
import type { PartUrl, PlannedPart } from '../api.ts'
import { type DigestAlgorithm, type Hasher, toBase64 } from '../hashing.ts'
import { ConnectionFailed } from '../problem.ts'
import type { EndpointMemory } from './endpoints.ts'
import type { AdaptiveLimiter } from './limiter.ts'
import type { PartBook } from './part-book.ts'
import { backoffMs, pause, type RetryPolicy } from './retry.ts'
import type { ByteSlice } from './source.ts'
import type { Telemetry } from './telemetry.ts'
import type { PutTransport } from './transport.ts'
import { UploadGone } from './upload-gone.ts'
import { judge, type Verdict } from './verdict.ts'
import { createWatchdog } from './watchdog.ts'

export interface PartEngine {
  transport: PutTransport
  hasher: Hasher
  endpoints: EndpointMemory
  limiter: AdaptiveLimiter
  policy: RetryPolicy
  /** Milliseconds without progress after which an attempt is given up. */
  stallMs: number
  /** Milliseconds. */
  now: () => number
}

export interface PartJob {
  number: number
  bytes: ByteSlice
  /** SHA-256 of the part when it is known already. */
  sha256: Uint8Array | null
  book: PartBook
  telemetry: Telemetry
  /** Bytes of this part that are sent; goes back to 0 with each attempt. */
  onProgress: (bytes: number) => void
}

/** Slower than this is as good as standing still, for transports that report nothing on the way; bytes a second. */
const slowestUseful = 16 * 1024

export async function putPart(job: PartJob, engine: PartEngine, signal: AbortSignal): Promise<void> {
  const digestHeaders = createDigestHeaders(job, engine.hasher)
  let part = await job.book.get(job.number, signal)
  let isFresh = false

  for (let failures = 0; ; ) {
    const target = engine.endpoints.choose(part.urls)
    if (target === undefined) throw new Error(`The server names no endpoint for part ${part.number}`)
    const result = await attempt(job, part, target, digestHeaders, engine, signal)
    if (result.kind === 'stored') {
      engine.endpoints.succeeded(target.endpoint)
      job.book.forget(part.number)
      return
    }
    job.onProgress(0)
    if (result.kind === 'gone') throw new UploadGone(result.problem)
    if (result.kind === 'expired' && !isFresh) {
      part = await job.book.renew(part, signal)
      isFresh = true
      continue
    }
    isFresh = false
    failures++
    engine.endpoints.failed(target.endpoint)
    const hasAlternative = engine.endpoints.hasAlternative(part.urls, target.endpoint)
    if (failures >= engine.policy.attempts) throw result.problem
    if (result.kind === 'refused' && !hasAlternative) throw result.problem
    if (!hasAlternative) await pause(backoffMs(failures, result.problem, engine.policy), signal)
  }
}

type Failure = { kind: 'retry'; problem: Error; overloaded: boolean }

async function attempt(
  job: PartJob,
  part: PlannedPart,
  target: PartUrl,
  digestHeaders: (algorithm: DigestAlgorithm | null, signal: AbortSignal) => Promise<Record<string, string>>,
  engine: PartEngine,
  signal: AbortSignal,
): Promise<Verdict | Failure> {
  const permit = await engine.limiter.acquire(signal)
  let started = engine.now()
  let sent = 0
  const report = (outcome: string) =>
    job.telemetry.record({
      part: part.number,
      endpoint: target.endpoint,
      phase: 'transfer',
      bytes: sent,
      milliseconds: Math.round(engine.now() - started),
      outcome,
    })
  try {
    const headers = { ...part.headers, ...(await digestHeaders(target.checksum, signal)) }
    started = engine.now()
    const silence = engine.transport.reportsProgress ? 0 : (part.size / slowestUseful) * 1000
    const watchdog = createWatchdog(signal, Math.max(engine.stallMs, silence))
    try {
      const answer = await engine.transport.put({
        url: target.url,
        method: part.method,
        headers,
        body: job.bytes,
        size: part.size,
        signal: watchdog.signal,
        onProgress(bytes) {
          sent = bytes
          watchdog.touch()
          job.onProgress(bytes)
        },
      })
      const verdict = judge(answer)
      report(verdict.kind === 'stored' ? 'success' : `http-${answer.status}`)
      if (verdict.kind === 'retry' && verdict.overloaded) permit.overloaded()
      else permit.release(verdict.kind === 'stored' ? part.size : 0)
      return verdict
    } finally {
      watchdog.stop()
    }
  } catch (error) {
    if (signal.aborted) {
      report('aborted')
      throw signal.reason
    }
    if (!(error instanceof ConnectionFailed)) throw error
    report(error.kind)
    const overloaded = error.kind !== 'unreachable'
    if (overloaded) permit.overloaded()
    return { kind: 'retry', problem: error, overloaded }
  } finally {
    permit.release(0)
  }
}

/** The checksum header each endpoint wants, computed once for each algorithm and only when an endpoint asks for it. */
function createDigestHeaders(job: PartJob, hasher: Hasher) {
  const digests = new Map<DigestAlgorithm, Uint8Array>()
  if (job.sha256 !== null) digests.set('sha-256', job.sha256)
  return async (algorithm: DigestAlgorithm | null, signal: AbortSignal): Promise<Record<string, string>> => {
    if (algorithm === null) return {}
    const digest = digests.get(algorithm) ?? (await hasher.digest(algorithm, job.bytes, { signal }))
    digests.set(algorithm, digest)
    // RFC 9530 and RFC 1864.
    return algorithm === 'sha-256'
      ? { 'content-digest': `sha-256=:${toBase64(digest)}:` }
      : { 'content-md5': toBase64(digest) }
  }
}
