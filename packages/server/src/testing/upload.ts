/** The steps of a direct upload as a client takes them. */
import { jpeg, sha256 } from './photos.ts'
import type { Json, TestAccount, TestAnswer } from './server.ts'

export interface PlanFields {
  filename?: string
  size?: number
  contentType?: string
  sha256?: string
  strategy?: 'auto' | 'single' | 'multipart'
  [field: string]: unknown
}

/** Plans an upload of these bytes; fields given replace what is true of them. */
export function plan(account: TestAccount, bytes: Uint8Array, fields: PlanFields = {}): Promise<TestAnswer> {
  return account.call('POST', '/v1/uploads', {
    filename: 'photo.jpg',
    size: bytes.length,
    contentType: 'image/jpeg',
    ...fields,
  })
}

/** Puts every part to its first URL. */
export async function putParts(planned: Json, bytes: Uint8Array): Promise<TestAnswer[]> {
  const answers: TestAnswer[] = []
  let offset = 0
  for (const part of planned.transfer.parts) {
    answers.push(await putPart(part, bytes.subarray(offset, offset + part.size)))
    offset += part.size
  }
  return answers
}

export async function putPart(
  part: Json,
  bytes: Uint8Array,
  headers: Record<string, string> = {},
): Promise<TestAnswer> {
  const response = await fetch(part.urls[0].url, {
    method: part.method,
    headers: { ...part.headers, ...headers },
    body: bytes as BodyInit,
  })
  const body = Buffer.from(await response.arrayBuffer())
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(body.toString()) : body }
}

export function complete(account: TestAccount, uploadId: string): Promise<TestAnswer> {
  return account.call('POST', `/v1/uploads/${uploadId}/complete`, {})
}

/** A whole upload; returns the asset. Throws unless each step succeeds. */
export async function upload(
  account: TestAccount,
  bytes: Uint8Array = jpeg(1000),
  fields: PlanFields = {},
): Promise<Json> {
  const planned = await plan(account, bytes, { sha256: sha256(bytes), ...fields })
  if (planned.status !== 201) throw new Error(`The plan answered ${planned.status}: ${JSON.stringify(planned.body)}`)
  await putParts(planned.body, bytes)
  const completed = await complete(account, planned.body.id)
  if (completed.status !== 201)
    throw new Error(`Completing answered ${completed.status}: ${JSON.stringify(completed.body)}`)
  return completed.body.asset
}

export async function storageOf(
  account: TestAccount,
): Promise<{ usedBytes: number; reservedBytes: number; limitBytes: number }> {
  return (await account.call('GET', '/v1/accounts/me')).body.storage
}
