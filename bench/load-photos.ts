/**
 * Uploads every photo of a folder directly (plan, PUT, complete) and waits until the server shows all of them as ready:
 * `node load-photos.ts '<{url, token, folder, concurrency}>'`. Prints one `PhotosResult`.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createLoadClient } from './load-client.ts'

export interface PhotosPlan {
  url: string
  token: string
  folder: string
  concurrency: number
}

export interface PhotosResult {
  photos: number
  ready: number
  failed: number
  /** From the first request until the last upload was acknowledged, and until the last photo was ready. */
  uploaded: number
  seconds: number
}

interface Planned {
  id: string
  transfer: { parts: { method: string; headers: Record<string, string>; urls: { url: string }[] }[] }
}

const { url, token, folder, concurrency } = JSON.parse(process.argv[2] ?? '') as PhotosPlan
const client = createLoadClient()
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
const post = (phase: string, path: string, body: object) =>
  client.send({ phase, method: 'POST', url: url + path, headers, chunks: [Buffer.from(JSON.stringify(body))] })

async function upload(name: string): Promise<void> {
  const bytes = await readFile(join(folder, name))
  const answer = await post('plan', '/v1/uploads', {
    filename: name,
    size: bytes.length,
    contentType: 'image/jpeg',
    strategy: 'single',
  })
  const plan = JSON.parse(answer.text) as Planned
  const [part] = plan.transfer.parts
  if (part === undefined) throw new Error('The plan has no part')
  const partHeaders = { ...part.headers, 'content-length': bytes.length }
  await client.send({
    phase: 'put',
    method: part.method,
    url: part.urls[0]?.url ?? '',
    headers: partHeaders,
    chunks: [bytes],
  })
  await post('complete', `/v1/uploads/${plan.id}/complete`, {})
}

async function states(): Promise<Record<string, number>> {
  const answer = await client.send({ phase: 'list', method: 'GET', url: `${url}/v1/assets?limit=500`, headers })
  const { items } = JSON.parse(answer.text) as { items: { state: string }[] }
  return items.reduce<Record<string, number>>((counts, { state }) => {
    counts[state] = (counts[state] ?? 0) + 1
    return counts
  }, {})
}

const names = await readdir(folder)
const waiting = names[Symbol.iterator]()
const began = performance.now()
await Promise.all(
  Array.from({ length: concurrency }, async () => {
    for (const name of waiting) await upload(name)
  }),
)
const uploaded = (performance.now() - began) / 1000
let counts = await states()
while ((counts.ready ?? 0) + (counts.failed ?? 0) < names.length) {
  await delay(500)
  counts = await states()
}
const result: PhotosResult = {
  photos: names.length,
  ready: counts.ready ?? 0,
  failed: counts.failed ?? 0,
  uploaded,
  seconds: (performance.now() - began) / 1000,
}
client.close()
process.stdout.write(`${JSON.stringify(result)}\n`)
