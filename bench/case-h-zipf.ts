/** (h) The edge's cache in front of S3, asked for files as people ask: few of them often, most of them seldom. */
import { randomBytes } from 'node:crypto'
import { Agent, get } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { createSigner } from '@heliograph/signing'
import { loadSigningKeys } from '../packages/server/src/delivery/index.ts'
import { createS3Store } from '../packages/server/src/engines/object-store/s3-store.ts'
import { heliograph, startServer } from './contender.ts'
import type { BenchContext } from './context.ts'
import { type CountingProxy, startCountingProxy } from './counting-proxy.ts'
import { readUsage } from './process-tree.ts'
import type { Section } from './report.ts'
import { startS3Store } from './s3-store.ts'

const size = 30_000
/** Exponent of the distribution: the n-th most wanted file is wanted 1/n as often as the first. */
const skew = 1
const shares = [0.05, 0.2, 0.5, 0]

export async function zipf(context: BenchContext): Promise<Section> {
  const files = context.quick ? 300 : 4_000
  const requests = context.quick ? 2_000 : 20_000
  const rows: string[][] = []
  const origin = await startS3Store()
  try {
    const proxy = await startCountingProxy(origin.environment.S3_ENDPOINT ?? '')
    try {
      const store = storeUrl(origin.environment, proxy)
      const keys = await fill(store, files)
      for (const share of shares) {
        const run = await serve(context, { store, keys, share, requests, proxy })
        process.stderr.write(`  cache of ${share * 100}%: ${JSON.stringify(run)}\n`)
        rows.push([
          share === 0 ? 'no cache' : `${share * 100}% of all bytes`,
          run.errors.toString(),
          share === 0 ? '' : best(files, share).toFixed(3),
          (1 - run.gets / requests).toFixed(3),
          String(run.gets),
          String(run.heads),
          ((100 * run.bytes) / (requests * size)).toFixed(1),
          (requests / run.seconds).toFixed(0),
          ((run.cpu * 1e6) / requests).toFixed(0),
        ])
      }
    } finally {
      await proxy.stop()
    }
  } finally {
    await origin.stop()
  }
  return {
    id: 'h',
    title: "The edge's cache in front of S3",
    method:
      `${requests} requests, 16 at once, for ${files} files of 30 KB whose popularity follows Zipf's law (exponent 1), from an empty cache. The origin is ` +
      'Ceph\'s gateway behind a proxy that counts. "Hit ratio" is the share of requests without a GET to the origin; "best" is what a cache would reach ' +
      'that knew the most wanted files beforehand. HEAD is how the edge looks whether a file is still there: no cached one is served for longer than ' +
      '30 s without it, here to the store of an edge of its own; the memory for small objects (32 MB) is part of what is measured.',
    header: [
      'cache',
      'failed',
      'best',
      'hit ratio',
      'GETs at origin',
      'HEADs',
      'bytes from origin, %',
      'answers/s',
      'CPU µs an answer',
    ],
    rows,
    targets: [],
  }
}

function storeUrl(environment: Record<string, string>, proxy: CountingProxy): string {
  const url = new URL(environment.OBJECT_STORE_URL ?? '')
  url.searchParams.set('endpoint', proxy.endpoint)
  return url.href
}

async function fill(url: string, files: number): Promise<string[]> {
  const store = createS3Store({ url })
  const keys = Array.from({ length: files }, () => `renditions/${randomBytes(16).toString('hex')}/thumb.webp`)
  const waiting = keys[Symbol.iterator]()
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const key of waiting) {
        await store.put(key, Readable.from([randomBytes(size)]), { contentType: 'image/webp', size })
      }
    }),
  )
  await store.close()
  return keys
}

interface Load {
  store: string
  keys: string[]
  share: number
  requests: number
  proxy: CountingProxy
}

async function serve({ limits }: BenchContext, { store, keys, share, requests, proxy }: Load) {
  const environment = {
    ...heliograph.direct.environment,
    OBJECT_STORE_URL: store,
    EDGE_CACHE_SIZE: String(Math.round(share * keys.length * size)),
  }
  const server = await startServer({ ...heliograph.direct, environment }, limits)
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  try {
    const signer = createSigner(await loadSigningKeys(server.directory))
    const expires = Math.floor(Date.now() / 1000) + 3_600
    const urls = await Promise.all(
      keys.map((key) =>
        signer.delivery(server.url, { key, type: 'image/webp', disposition: 'inline', filename: null, expires }),
      ),
    )
    const pick = picker(keys.length)
    const [before, usedBefore, began] = [proxy.counts(), readUsage(server.pid).server, performance.now()]
    let left = requests
    let errors = 0
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (left > 0) {
          left -= 1
          if (!(await isWhole(urls[pick()] ?? '', agent))) errors += 1
        }
      }),
    )
    const after = proxy.counts()
    return {
      errors,
      seconds: (performance.now() - began) / 1000,
      gets: after.get - before.get,
      heads: after.head - before.head,
      bytes: after.bytes - before.bytes,
      cpu: readUsage(server.pid).server - usedBefore,
    }
  } finally {
    agent.destroy()
    await server.stop()
  }
}

function isWhole(url: string, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent }, (response) => {
      buffer(response).then(
        (bytes) => resolve(response.statusCode === 200 && bytes.length === size),
        () => resolve(false),
      )
    })
    request.on('error', () => resolve(false))
  })
}

const weights = (count: number) => Array.from({ length: count }, (_, index) => 1 / (index + 1) ** skew)

/** Picks indexes by Zipf's law, the same ones in every run (a linear congruential generator, Numerical Recipes). */
function picker(count: number): () => number {
  let total = 0
  const cumulative = weights(count).map((weight) => {
    total += weight
    return total
  })
  let state = 12_345
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const wanted = (state / 2 ** 32) * total
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((cumulative[middle] ?? 0) < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Share of requests that the most wanted files get, as many as fit. */
function best(count: number, share: number): number {
  const all = weights(count)
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
  return sum(all.slice(0, Math.floor(count * share))) / sum(all)
}
