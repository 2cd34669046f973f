/**
 * The load generator, run by the orchestrator as `node load.ts '<LoadPlan>'`. It prepares, prints `ready`, waits for a
 * line on standard input so that the orchestrator can take its first sample, runs, and prints one `LoadResult`.
 */
import { once } from 'node:events'
import { createLoadClient, type LoadClient, LoadError } from './load-client.ts'
import { type LoadPlan, type LoadResult, type Protocol, readyLine } from './load-plan.ts'
import { createJpegSource, createMp4, type SampleFile } from './sample-file.ts'

type Operation = () => Promise<unknown>
type Send = (client: LoadClient, target: { url: string; token: string | null }, file: SampleFile) => Promise<unknown>

interface UploadPlan {
  id: string
  transfer: { parts: { size: number; method: string; headers: Record<string, string>; urls: { url: string }[] }[] }
}

const json = { 'content-type': 'application/json' }
const bearer = (token: string | null): Record<string, string> =>
  token === null ? {} : { authorization: `Bearer ${token}` }

async function planUpload(client: LoadClient, url: string, token: string | null, file: SampleFile) {
  const body = { filename: `sample.${file.extension}`, size: file.size, contentType: file.contentType }
  const answer = await client.send({
    phase: 'plan',
    method: 'POST',
    url: `${url}/v1/uploads`,
    headers: { ...json, ...bearer(token) },
    chunks: [Buffer.from(JSON.stringify(body))],
  })
  return JSON.parse(answer.text) as UploadPlan
}

async function putParts(client: LoadClient, plan: UploadPlan, file: SampleFile): Promise<void> {
  const whole = plan.transfer.parts.length > 1 ? Buffer.concat(file.chunks) : null
  let start = 0
  for (const part of plan.transfer.parts) {
    const target = part.urls[0]
    if (target === undefined) throw new LoadError('plan: no url')
    const chunks = whole === null ? file.chunks : [whole.subarray(start, start + part.size)]
    start += part.size
    const headers = { ...part.headers, 'content-length': part.size }
    await client.send({ phase: 'put', method: part.method, url: target.url, headers, chunks })
  }
}

const complete = (client: LoadClient, url: string, token: string | null, id: string) =>
  client.send({
    phase: 'complete',
    method: 'POST',
    url: `${url}/v1/uploads/${id}/complete`,
    headers: { ...json, ...bearer(token) },
    chunks: [Buffer.from('{}')],
  })

const senders: Record<Protocol, Send> = {
  put: (client, { url }, file) =>
    client.send({
      phase: 'put',
      method: 'PUT',
      url,
      headers: { 'content-type': file.contentType, 'content-length': file.size },
      chunks: file.chunks,
    }),

  'multipart-form': (client, { url }, file) => {
    const boundary = '----heliograph-bench'
    const head = Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="sample.${file.extension}"\r\n` +
        `content-type: ${file.contentType}\r\n\r\n`,
    )
    const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
    return client.send({
      phase: 'post',
      method: 'POST',
      url,
      headers: {
        'content-type': `multipart/form-data; boundary=${boundary}`,
        'content-length': head.length + file.size + tail.length,
      },
      chunks: [head, ...file.chunks, tail],
    })
  },

  tus: async (client, { url }, file) => {
    const version = { 'tus-resumable': '1.0.0' }
    const created = await client.send({
      phase: 'create',
      method: 'POST',
      url,
      headers: { ...version, 'upload-length': file.size, 'content-length': 0 },
    })
    if (created.location === null) throw new LoadError('create: no location')
    await client.send({
      phase: 'patch',
      method: 'PATCH',
      url: new URL(created.location, url).href,
      headers: {
        ...version,
        'upload-offset': 0,
        'content-type': 'application/offset+octet-stream',
        'content-length': file.size,
      },
      chunks: file.chunks,
    })
  },

  direct: async (client, { url, token }, file) => {
    const plan = await planUpload(client, url, token, file)
    await putParts(client, plan, file)
    await complete(client, url, token, plan.id)
  },

  stream: (client, { url, token }, file) =>
    client.send({
      phase: 'stream',
      method: 'POST',
      url: `${url}/v1/assets?filename=sample.${file.extension}`,
      headers: { 'content-type': file.contentType, 'content-length': file.size, ...bearer(token) },
      chunks: file.chunks,
    }),
}

/** Does everything that is not to be timed, and returns the operations that are. */
async function prepare(client: LoadClient, plan: LoadPlan): Promise<Operation[]> {
  if (plan.kind === 'files') {
    const mp4 = plan.sample === 'mp4' ? createMp4(plan.size) : null
    const jpeg = createJpegSource(plan.sample === 'mp4' ? 1024 : plan.size)
    return Array.from({ length: plan.count }, () => () => senders[plan.protocol](client, plan, mp4 ?? jpeg()))
  }
  const jpeg = createJpegSource(plan.size)
  if (plan.kind === 'plans') {
    return Array.from({ length: plan.count }, () => () => planUpload(client, plan.url, plan.token, jpeg()))
  }
  const ids: string[] = []
  const upload = async () => {
    const file = jpeg()
    const planned = await planUpload(client, plan.url, plan.token, file)
    await putParts(client, planned, file)
    ids.push(planned.id)
  }
  const result = await run(
    Array.from({ length: plan.count }, () => upload),
    plan.concurrency,
  )
  if (result.failed > 0) throw new Error(`Preparing the completions failed: ${JSON.stringify(result.failures)}`)
  return ids.map((id) => () => complete(client, plan.url, plan.token, id))
}

async function run(operations: Operation[], concurrency: number): Promise<LoadResult> {
  const milliseconds: number[] = []
  const failures: Record<string, number> = {}
  const waiting = operations[Symbol.iterator]()
  const start = performance.now()

  async function lane(): Promise<void> {
    for (const operation of waiting) {
      const began = performance.now()
      try {
        await operation()
        milliseconds.push(performance.now() - began)
      } catch (error) {
        if (!(error instanceof LoadError)) throw error
        failures[error.message] = (failures[error.message] ?? 0) + 1
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, operations.length) }, lane))

  const seconds = (performance.now() - start) / 1000
  milliseconds.sort((a, b) => a - b)
  const quantile = (q: number) => milliseconds[Math.ceil(q * milliseconds.length) - 1] ?? 0
  return {
    ok: milliseconds.length,
    failed: operations.length - milliseconds.length,
    failures,
    seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
  }
}

const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan
const client = createLoadClient()
const operations = await prepare(client, plan)
process.stdout.write(`${readyLine}\n`)
await once(process.stdin, 'data')
const result = await run(operations, plan.concurrency)
client.close()
process.stdin.destroy()
process.stdout.write(`${JSON.stringify(result)}\n`)
