/** An edge for tests: real HTTP on a free port, the real file store in a temporary folder, real signatures. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createKeyRing,
  createSigner,
  createVerifier,
  type DeliveryGrant,
  generateKeySet,
  type Signer,
  type UploadGrant,
} from '@heliograph/signing'
import Fastify, { type FastifyInstance } from 'fastify'
import { createFileStore, type ObjectStore } from '../engines/object-store/index.ts'
import { createAdmission } from '../http/admission.ts'
import { handleErrors } from '../http/errors.ts'
import { requirePolicies } from '../http/policy.ts'
import { type EdgeOptions, edgeRoutes } from './routes.ts'
import { type ByteSource, storeSource } from './source.ts'
import type { TransferEvent } from './transfer.ts'

export interface TestEdge {
  base: string
  /** Folder of the store. */
  root: string
  /** Of the clients of recorded transfers. */
  addresses: string[]
  store: ObjectStore
  events: TransferEvent[]
  bytes: { in: number; out: number }
  /** Those that were given without the framework. */
  answers: { route: string; status: number }[]
  signer: Signer
  putUrl(change?: Partial<UploadGrant>): Promise<string>
  getUrl(change?: Partial<DeliveryGrant>): Promise<string>
  /** Stores an object without the edge. */
  keep(key: string, bytes: Uint8Array): Promise<void>
  /** Names of all files on the disk of the store, half-written ones too. */
  files(): Promise<string[]>
  [Symbol.asyncDispose](): Promise<void>
}

export interface TestEdgeOptions
  extends Partial<Pick<EdgeOptions, 'now' | 'idleSeconds' | 'accelRedirect' | 'countryOf'>> {
  maxStreams?: number
  maxReads?: number
  trustProxy?: boolean | string
  /** Further routes. */
  extend?(app: FastifyInstance): void
  /** Stands in for the store, to bring faults. */
  faulty?(store: ObjectStore): ObjectStore
  /** What is served, when it is not the store itself. */
  source?(store: ObjectStore): ByteSource
}

export async function startTestEdge(options: TestEdgeOptions = {}): Promise<TestEdge> {
  const root = await mkdtemp(join(tmpdir(), 'heliograph-edge-'))
  const store = createFileStore({ root })
  const ring = await createKeyRing(await generateKeySet())
  const signer = createSigner(ring)
  const events: TransferEvent[] = []
  const addresses: string[] = []
  const answers: { route: string; status: number }[] = []
  const bytes = { in: 0, out: 0 }
  const now = options.now ?? (() => new Date())

  const seen = options.faulty?.(store) ?? store
  const app = Fastify({ bodyLimit: 1024, forceCloseConnections: true, trustProxy: options.trustProxy ?? false })
  requirePolicies(app)
  handleErrors(app)
  await app.register(
    edgeRoutes({
      store: seen,
      source: options.source?.(seen) ?? storeSource(seen),
      verifier: createVerifier(ring, { now: () => Math.floor(now().getTime() / 1000) }),
      admission: createAdmission(options.maxStreams ?? 100),
      readAdmission: createAdmission(options.maxReads ?? 100),
      ...(options.accelRedirect !== undefined && { accelRedirect: options.accelRedirect }),
      ...(options.countryOf !== undefined && { countryOf: options.countryOf }),
      origins: ['https://photos.example'],
      meter: {
        bytesIn: (count) => {
          bytes.in += count
        },
        bytesOut: (count) => {
          bytes.out += count
        },
        observeRequest: (labels) => void answers.push(labels),
      },
      record(request, event) {
        events.push(event)
        addresses.push(request.ip)
      },
      now,
      ...(options.idleSeconds === undefined ? {} : { idleSeconds: options.idleSeconds }),
    }),
  )
  options.extend?.(app)
  const base = await app.listen({ host: '127.0.0.1', port: 0 })
  const expires = Math.floor(now().getTime() / 1000) + 600

  return {
    base,
    root,
    addresses,
    answers,
    store,
    events,
    bytes,
    signer,
    putUrl: (change) =>
      signer.upload(base, {
        key: 'originals/one',
        upload: null,
        part: null,
        size: 5,
        maxSize: null,
        type: 'image/jpeg',
        expires,
        ...change,
      }),
    getUrl: (change) =>
      signer.delivery(base, {
        key: 'originals/one',
        type: 'image/jpeg',
        disposition: 'inline',
        filename: 'one.jpg',
        expires,
        ...change,
      }),
    async keep(key, bytes) {
      await store.put(key, Readable.from([bytes]), { contentType: 'image/jpeg' })
    },
    async files() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true })
      return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
    },
    async [Symbol.asyncDispose]() {
      await app.close()
      await store.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Polls, for what the server does after the client has gone. */
export async function eventually(check: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 5000
  while (!(await check())) {
    assert.ok(Date.now() < deadline, 'it did not happen within 5 s')
    await sleep(10)
  }
}
