/**
 * One upload on the server, as this client sees it: found again after a reload, or planned. It knows which parts the store
 * holds, puts the ones that are missing, and completes. The server's state always wins over what is remembered here.
 */
import type { Asset, PlannedPart, PlanRequest, ReceivedPart, UploadStatus } from '../api.ts'
import { ApiProblem } from '../problem.ts'
import { createPartBook, type PartBook } from './part-book.ts'
import { type PartEngine, putPart } from './put-part.ts'
import { retrying } from './retry.ts'
import type { UploadSource } from './source.ts'
import { createTelemetry, type Telemetry } from './telemetry.ts'
import type { UploadClient } from './upload-client.ts'
import { UploadGone } from './upload-gone.ts'

export interface UploadSession {
  readonly uploadId: string
  /** Bytes of the parts that the store holds. */
  storedBytes(): number
  /** Those that it held from the beginning. */
  readonly receivedBytes: number
  /** Puts every part that is missing, up to `workers` of them open at once. */
  putMissing(options: PutMissingOptions): Promise<void>
  /** Resolves with the asset; puts parts again that the store turns out not to have. */
  complete(options: PutMissingOptions): Promise<Asset>
  telemetry: Telemetry
}

export interface PutMissingOptions {
  workers: number
  signal: AbortSignal
  /** Bytes on their way, of parts that are not stored yet. */
  onProgress: (bytesInFlight: number) => void
}

export interface SessionDependencies {
  client: UploadClient
  engine: PartEngine
  source: UploadSource
  /** SHA-256 of the whole file, 32 bytes. */
  sha256: Uint8Array
}

/** Rounds of "some parts are missing" at completion, after which the store is not believed any more. */
const completionRounds = 4

/** How a file was cut when it was planned; a plan carries URLs too. */
export type KnownTransfer = UploadStatus['transfer'] & { parts?: PlannedPart[] }

export function createSession(
  uploadId: string,
  transfer: KnownTransfer,
  received: readonly ReceivedPart[],
  { client, engine, source, sha256 }: SessionDependencies,
): UploadSession {
  const { partCount, parts = [] } = transfer
  // Null for uploads of unknown size only, which are not planned here.
  const partSize = transfer.partSize ?? source.size
  const sizeOf = (number: number) => (number < partCount ? partSize : source.size - partSize * (partCount - 1))
  const stored = new Set<number>()
  let storedBytes = 0
  const telemetry = createTelemetry(client, uploadId)
  const book: PartBook = createPartBook(parts, partCount, (from, to, signal) =>
    retrying(() => client.uploads.parts(uploadId, from, to, { signal }), { policy: engine.policy, signal }).catch(
      goneWhenClosed,
    ),
  )

  function mark(number: number): void {
    if (stored.has(number)) return
    stored.add(number)
    storedBytes += sizeOf(number)
  }

  function unmark(number: number): void {
    if (stored.delete(number)) storedBytes -= sizeOf(number)
  }

  function takeReceived(parts: readonly ReceivedPart[]): void {
    for (const number of [...stored]) unmark(number)
    for (const { number, size } of parts) if (size === sizeOf(number)) mark(number)
  }
  takeReceived(received)
  const receivedBytes = storedBytes

  async function putMissing({ workers, signal, onProgress }: PutMissingOptions): Promise<void> {
    const inFlight = new Map<number, number>()
    const report = () => onProgress([...inFlight.values()].reduce((sum, bytes) => sum + bytes, 0))
    // The first failure ends the others, which would be in vain.
    const failure = new AbortController()
    const either = AbortSignal.any([signal, failure.signal])
    let next = 1

    async function work(): Promise<void> {
      while (next <= partCount) {
        const number = next++
        if (stored.has(number)) continue
        const start = (number - 1) * partSize
        const onPartProgress = (bytes: number) => {
          inFlight.set(number, bytes)
          report()
        }
        const bytes = source.slice(start, start + sizeOf(number))
        const wholeFile = partCount === 1 ? sha256 : null
        await putPart({ number, bytes, sha256: wholeFile, book, telemetry, onProgress: onPartProgress }, engine, either)
        inFlight.delete(number)
        mark(number)
        report()
      }
    }

    const results = await Promise.allSettled(
      Array.from({ length: Math.min(workers, partCount) }, () =>
        work().catch((error: unknown) => {
          failure.abort(error)
          throw error
        }),
      ),
    )
    if (signal.aborted) throw signal.reason
    if (results.some((result) => result.status === 'rejected')) throw failure.signal.reason
  }

  /** Corrects what is believed to be stored, from the problem or, when it does not say, from the server's state. */
  async function learnMissing(problem: ApiProblem, signal: AbortSignal): Promise<void> {
    const missing = problem.extensions.missing
    if (Array.isArray(missing) && missing.length > 0) {
      for (const part of missing) unmark(Number(isNumbered(part) ? part.number : part))
      return
    }
    const status = await retrying(() => client.uploads.get(uploadId, { signal }), { policy: engine.policy, signal })
    takeReceived(status.received)
  }

  async function complete(options: PutMissingOptions): Promise<Asset> {
    const { signal } = options
    for (let round = 1; ; round++) {
      try {
        return await retrying(() => client.uploads.complete(uploadId, { signal }), { policy: engine.policy, signal })
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error
        if (error.code !== 'upload-incomplete' || round === completionRounds) return goneWhenClosed(error)
        await learnMissing(error, signal)
        await putMissing(options)
      }
    }
  }

  return {
    uploadId,
    telemetry,
    receivedBytes,
    storedBytes: () => storedBytes,
    putMissing,
    complete,
  }
}

function isNumbered(part: unknown): part is { number: unknown } {
  return typeof part === 'object' && part !== null && 'number' in part
}

function goneWhenClosed(error: unknown): never {
  if (error instanceof ApiProblem && (error.status === 404 || error.code === 'upload-closed'))
    throw new UploadGone(error)
  throw error
}

const nothingToPut: KnownTransfer = { strategy: 'multipart', partSize: 0, partCount: 0 }

/** The session of an upload begun earlier, or null when the server has none to continue. */
export async function resumeSession(
  uploadId: string,
  dependencies: SessionDependencies,
  signal: AbortSignal,
): Promise<UploadSession | null> {
  const { client, engine, source } = dependencies
  try {
    const status = await retrying(() => client.uploads.get(uploadId, { signal }), { policy: engine.policy, signal })
    if (status.size !== source.size) return null
    // Completed, and the answer was lost: completing again answers with the asset.
    if (status.state === 'completed') return createSession(uploadId, nothingToPut, [], dependencies)
    if (status.state !== 'uploading') return null
    return createSession(uploadId, status.transfer, status.received, dependencies)
  } catch (error) {
    // Not found, or of another account that used this computer.
    if (error instanceof ApiProblem && error.status === 404) return null
    throw error
  }
}

/** Plans a new upload; answers the asset instead when the account already holds these bytes. */
export async function planSession(
  plan: PlanRequest,
  idempotencyKey: string,
  dependencies: SessionDependencies,
  signal: AbortSignal,
): Promise<UploadSession | { duplicateOf: Asset }> {
  const { client, engine } = dependencies
  const result = await retrying(() => client.uploads.plan(plan, { signal, idempotencyKey }), {
    policy: engine.policy,
    signal,
  })
  if ('duplicateOf' in result) return result
  return createSession(result.id, result.transfer, [], dependencies)
}
