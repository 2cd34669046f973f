/**
 * The steps of uploading one file: hash, find the upload again or plan it, put what is missing, complete. `run` may be
 * aborted at any moment and called again: what is known by then (hash, upload, stored parts) is kept and not done twice.
 */
import type { Asset, PlanRequest } from '../api.ts'
import { toHex } from '../hashing.ts'
import { ApiProblem } from '../problem.ts'
import type { PartEngine } from './put-part.ts'
import { fingerprint, type ResumeStore } from './resume.ts'
import { retrying } from './retry.ts'
import { planSession, resumeSession, type SessionDependencies, type UploadSession } from './session.ts'
import type { Slots } from './slots.ts'
import type { UploadSource } from './source.ts'
import type { UploadClient } from './upload-client.ts'
import { UploadGone } from './upload-gone.ts'

export interface AddOptions {
  /** An upload begun elsewhere, to be continued. */
  uploadId?: string
  plan?: Pick<PlanRequest, 'purpose' | 'albumId' | 'capturedAt' | 'strategy'>
}

export type UploadPhase = 'hashing' | 'planning' | 'uploading' | 'verifying'

export interface UploadSuccess {
  /**
   * `duplicate`: the account had this file, nothing was sent. `restored`: it was in the trash and was taken out.
   */
  state: 'completed' | 'duplicate' | 'restored'
  asset: Asset
}

export interface UploadDependencies {
  client: UploadClient
  engine: PartEngine
  resumeStore: ResumeStore
  /** Places for files whose bytes are being read for their hash. */
  hashing: Slots
  /** Places for files that are planned or further. */
  transfers: Slots
  /** Parts of one file that are open at once. */
  workers: number
}

export interface UploadEvents {
  onPhase(phase: UploadPhase): void
  /** Some bytes were hashed or sent. */
  onBytes(): void
}

export interface FileUpload {
  run(signal: AbortSignal): Promise<UploadSuccess>
  /** Removes what the server holds of it. Throws `ConnectionFailed`; then it expires there by itself. */
  abort(): Promise<void>
  readonly uploadId: string | null
  readonly hashedBytes: number
  /** Bytes that the store has or that are on their way. */
  readonly uploadedBytes: number
  /** Those of them that were sent from here. */
  readonly sentBytes: number
}

/** Times an upload is planned anew because the server lost it or the bytes arrived damaged. */
const replansAllowed = 1

export function createFileUpload(
  source: UploadSource,
  options: AddOptions,
  { client, engine, resumeStore, hashing, transfers, workers }: UploadDependencies,
  events: UploadEvents,
): FileUpload {
  let sha256: Uint8Array | null = null
  let session: UploadSession | null = null
  let idempotencyKey = newIdempotencyKey()
  let givenUploadId = options.uploadId ?? null
  let hashedBytes = 0
  let bytesInFlight = 0

  const fingerprintOf = (digest: Uint8Array) => fingerprint(client.baseUrl, source, toHex(digest))

  async function hash(signal: AbortSignal): Promise<Uint8Array> {
    const leave = await hashing.acquire(signal)
    try {
      events.onPhase('hashing')
      return await engine.hasher.digest('sha-256', source.slice(0, source.size), {
        signal,
        onProgress(bytes) {
          hashedBytes = bytes
          events.onBytes()
        },
      })
    } finally {
      leave()
    }
  }

  async function open(digest: Uint8Array, signal: AbortSignal): Promise<UploadSession | { duplicateOf: Asset }> {
    const dependencies: SessionDependencies = { client, engine, source, sha256: digest }
    const key = fingerprintOf(digest)
    const known = givenUploadId ?? (await resumeStore.get(key))
    givenUploadId = null
    if (known !== null) {
      const resumed = await resumeSession(known, dependencies, signal)
      if (resumed !== null) return resumed
      await resumeStore.delete(key)
    }
    const plan: PlanRequest = {
      ...options.plan,
      filename: source.name,
      size: source.size,
      contentType: source.type,
      sha256: toHex(digest),
    }
    const planned = await planSession(plan, idempotencyKey, dependencies, signal)
    if (!('duplicateOf' in planned)) await resumeStore.set(key, planned.uploadId)
    return planned
  }

  async function settleDuplicate(asset: Asset, signal: AbortSignal): Promise<UploadSuccess> {
    const restore = client.assets?.restore
    if (asset.trashedAt === null || restore === undefined) return { state: 'duplicate', asset }
    await retrying(() => restore(asset.id, { signal }), { policy: engine.policy, signal })
    return { state: 'restored', asset: { ...asset, trashedAt: null } }
  }

  async function transfer(digest: Uint8Array, signal: AbortSignal): Promise<UploadSuccess> {
    if (session === null) {
      events.onPhase('planning')
      const opened = await open(digest, signal)
      if ('duplicateOf' in opened) return settleDuplicate(opened.duplicateOf, signal)
      session = opened
    }
    const current = session
    const onProgress = (bytes: number) => {
      bytesInFlight = bytes
      events.onBytes()
    }
    try {
      events.onPhase('uploading')
      await current.putMissing({ workers, signal, onProgress })
      events.onPhase('verifying')
      const asset = await current.complete({ workers, signal, onProgress })
      await resumeStore.delete(fingerprintOf(digest))
      return { state: 'completed', asset }
    } finally {
      bytesInFlight = 0
      // Not awaited: nobody waits for a report.
      void current.telemetry.flush()
    }
  }

  async function forget(digest: Uint8Array): Promise<void> {
    session = null
    idempotencyKey = newIdempotencyKey()
    await resumeStore.delete(fingerprintOf(digest))
  }

  return {
    async run(signal) {
      for (let replans = 0; ; replans++) {
        sha256 ??= await hash(signal)
        hashedBytes = source.size
        const digest = sha256
        const leave = await transfers.acquire(signal)
        try {
          return await transfer(digest, signal)
        } catch (error) {
          if (signal.aborted) throw error
          // The server ended the upload; what is tried next is another one.
          const isRejected = error instanceof ApiProblem && error.status === 422
          if (isRejected || error instanceof UploadGone) await forget(digest)
          const isDamaged = isRejected && error.code === 'checksum-mismatch'
          if (!(isDamaged || error instanceof UploadGone) || replans === replansAllowed) throw error
          // The file may have been written to after it was hashed.
          if (isDamaged) sha256 = null
        } finally {
          leave()
        }
      }
    },

    async abort() {
      if (session === null || sha256 === null) return
      const { uploadId } = session
      await forget(sha256)
      try {
        await client.uploads.abort(uploadId)
      } catch (error) {
        // Over already, which is what was wanted.
        if (!(error instanceof ApiProblem)) throw error
      }
    },

    get uploadId() {
      return session?.uploadId ?? null
    },
    get hashedBytes() {
      return hashedBytes
    },
    get uploadedBytes() {
      return (session?.storedBytes() ?? 0) + bytesInFlight
    },
    get sentBytes() {
      return session === null ? 0 : Math.max(0, session.storedBytes() - session.receivedBytes + bytesInFlight)
    },
  }
}

/** 128 random bits; `crypto.randomUUID` does not exist on pages without HTTPS. */
function newIdempotencyKey(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)))
}
