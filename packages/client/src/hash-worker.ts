/**
 * Entry of the hashing worker: `new Worker(new URL('@heliograph/client/hash-worker', import.meta.url), { type: 'module' })`,
 * handed to `createWorkerHasher`.
 */
import { type HashingPort, serveHashing } from './worker-hasher.ts'

serveHashing(globalThis as unknown as HashingPort)
