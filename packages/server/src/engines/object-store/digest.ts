import { createHash } from 'node:crypto'
import type { ObjectKey, ObjectStore } from './object-store.ts'

/** SHA-256 of an object by reading it whole, in constant memory; `not-found` when there is none. */
export async function readSha256(store: ObjectStore, key: ObjectKey): Promise<Uint8Array> {
  const hash = createHash('sha256')
  const { body } = await store.get(key)
  for await (const chunk of body) hash.update(chunk as Uint8Array)
  return hash.digest()
}
