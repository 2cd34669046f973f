/**
 * What the store holds of a tus upload: the parts of its multipart, and after them the tail, an object with bytes that
 * are too few for a part. The offset is what these two add up to, so it is true after any crash and in every process.
 *
 * A tail is written down for deletion before it is stored, due when its upload expires, and given up as soon as its bytes
 * are in a part or in a longer tail. Should a process die in between, the old tail does not begin where the parts end, so it is not
 * counted, and the next request or the sweep removes it.
 */
import { randomBytes } from 'node:crypto'
import { ObjectStoreError, type PartInfo } from '../../engines/object-store/index.ts'
import { foreseeDeletion, giveUpObjects } from '../../purge/index.ts'
import type { UploadContext, UploadRow } from '../context.ts'

export interface Tail {
  key: string
  /** Offset in the file of its first byte. */
  start: number
  /** Bytes. */
  size: number
}

export interface Stock {
  parts: PartInfo[]
  /** Bytes in parts. */
  partsEnd: number
  tail: Tail | null
  /** Keys of tails whose bytes are elsewhere by now. */
  stale: string[]
  /** Bytes of the upload that are durable. */
  offset: number
}

/** Seconds for which a tail may outlive its upload's time, so that a request under way then can still end. */
const grace = 3600

const folderOf = (upload: UploadRow) => `tails/${upload.id}/`

/** Null when the multipart is over: its parts were joined, or it was aborted. */
export async function readStock({ store }: UploadContext, upload: UploadRow): Promise<Stock | null> {
  const parts = await listParts(store, upload)
  if (parts === null) return null
  const partsEnd = parts.reduce((sum, part) => sum + part.size, 0)
  const tails: Tail[] = []
  for await (const { key, size } of store.list(folderOf(upload))) {
    const start = Number(key.slice(folderOf(upload).length).split('-')[0])
    tails.push({ key, start, size })
  }
  const fitting = tails.filter(({ start }) => start === partsEnd).sort((a, b) => b.size - a.size)
  const tail = fitting[0] ?? null
  const stale = tails.filter((one) => one !== tail).map(({ key }) => key)
  return { parts, partsEnd, tail, stale, offset: partsEnd + (tail?.size ?? 0) }
}

async function listParts(store: UploadContext['store'], upload: UploadRow): Promise<PartInfo[] | null> {
  try {
    return await store.listParts(upload.object_key, upload.store_upload_id ?? '')
  } catch (error) {
    if (error instanceof ObjectStoreError && error.code === 'closed') return null
    throw error
  }
}

/** A key for a tail that begins at `start`, written down so that nothing stored under it can be forgotten. */
export async function reserveTailKey(context: UploadContext, upload: UploadRow, start: number): Promise<string> {
  const key = `${folderOf(upload)}${start}-${randomBytes(8).toString('hex')}`
  const until = new Date(upload.expires_at.getTime() + grace * 1000)
  await foreseeDeletion(context.db, [{ object_key: key, reason: 'tus tail', due_at: until }])
  return key
}

export async function giveUpTails(context: UploadContext, keys: string[]): Promise<void> {
  if (keys.length === 0) return
  await context.db.transaction().execute((tx) =>
    giveUpObjects(
      context.jobs,
      tx,
      keys.map((key) => ({ object_key: key, grants_until: null, reason: 'tus tail' })),
    ),
  )
}
