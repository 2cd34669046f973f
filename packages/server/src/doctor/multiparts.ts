/**
 * Multiparts that no row knows. One is opened moments before its upload's row is written, and the hourly look at expired
 * uploads aborts those that stay without; so only what is older than that is wrong, and what is younger is pending.
 */
import { sql } from 'kysely'
import { type MultipartUpload, ObjectStoreError } from '../engines/object-store/index.ts'
import type { DoctorContext } from './context.ts'

const batchSize = 500

export interface MultipartCounts {
  multiparts: number
  /** Known to no row, and too young to be wrong. */
  pending: number
}

/** `unknownAge`: seconds a multipart may be without a row. */
export async function findUnknownMultiparts(context: DoctorContext, unknownAge: number): Promise<MultipartCounts> {
  const counts = { multiparts: 0, pending: 0 }
  let batch: MultipartUpload[] = []
  const flush = async () => {
    counts.multiparts += batch.length
    for (const multipart of await unknownOf(context, batch)) {
      const age = context.now().getTime() - multipart.initiatedAt.getTime()
      if (age < unknownAge * 1000) counts.pending += 1
      else await examine(context, multipart)
    }
    batch = []
  }
  for await (const multipart of context.store.listMultiparts()) {
    context.signal.throwIfAborted()
    batch.push(multipart)
    if (batch.length >= batchSize) await flush()
  }
  if (batch.length > 0) await flush()
  return counts
}

async function unknownOf({ db }: DoctorContext, multiparts: MultipartUpload[]): Promise<MultipartUpload[]> {
  const { rows } = await sql<{ key: string }>`
    select key from unnest(${multiparts.map(({ key }) => key)}::text[]) as suspect (key)
    where not exists (select from upload where upload.object_key = suspect.key and upload.state = 'uploading')
      and not exists (select from object_deletion where object_deletion.object_key = suspect.key)`.execute(db)
  const unknown = new Set(rows.map(({ key }) => key))
  return multiparts.filter(({ key }) => unknown.has(key))
}

async function examine(context: DoctorContext, { key, uploadId, initiatedAt }: MultipartUpload): Promise<void> {
  // Its upload may have ended, and its parts been removed, after they were listed.
  if (!(await isOpen(context, key, uploadId))) return
  if (context.repair) await context.store.abortMultipart(key, uploadId)
  context.findings.add({
    kind: 'multipart-unknown',
    subject: key,
    detail: `${key}, begun ${initiatedAt.toISOString()}`,
    repaired: context.repair,
  })
}

async function isOpen({ store }: DoctorContext, key: string, uploadId: string): Promise<boolean> {
  try {
    await store.listParts(key, uploadId)
    return true
  } catch (error) {
    if (error instanceof ObjectStoreError && error.code === 'closed') return false
    throw error
  }
}
