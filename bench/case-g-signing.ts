/** (g) What a signature costs: a page of URLs to sign, and URLs to verify for the first time and again. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createSigner, createVerifier } from '@heliograph/signing'
import { createDelivery, loadSigningKeys } from '../packages/server/src/delivery/index.ts'
import { benchDirectory } from './contender.ts'
import type { BenchContext } from './context.ts'
import { median, type Section } from './report.ts'

const page = 100
const target = 2

interface Run {
  what: string
  /** Microseconds a URL. */
  cost: number
}

export async function signing(context: BenchContext): Promise<Section> {
  const pages = context.quick ? 20 : 200
  const rounds: Run[][] = []
  for (let round = 0; round < context.rounds; round += 1) rounds.push(await measureAll(pages))
  const names = rounds[0]?.map(({ what }) => what) ?? []
  const costs = names.map((_, index) => median(rounds.map((runs) => runs[index]?.cost ?? Number.NaN)))
  const perPage = ((costs[0] ?? Number.NaN) * page) / 1000
  return {
    id: 'g',
    title: 'Signing and verifying',
    method:
      `One process, URLs of files never seen before, ${page} at once as a page of assets asks for them; medians over pages and rounds. "Server" is the ` +
      "server's delivery with nothing remembered (its HMAC is Node's), the others are the portable package with WebCrypto. " +
      '"Again" is a URL verified a moment ago, as a video player asks for its ranges. No database is there at all.',
    header: ['what', 'µs a URL', 'ms a page of 100'],
    rows: names.map((name, index) => [
      name,
      (costs[index] ?? 0).toFixed(2),
      (((costs[index] ?? 0) * page) / 1000).toFixed(3),
    ]),
    targets: [
      {
        what: `signing ${page} URLs of a page, ms`,
        wanted: `under ${target}`,
        measured: perPage.toFixed(2),
        met: perPage < target,
      },
    ],
  }
}

async function measureAll(pages: number): Promise<Run[]> {
  const folder = await mkdtemp(join(benchDirectory(), 'heliograph-bench-keys-'))
  try {
    const ring = await loadSigningKeys(folder)
    let time = Date.now()
    const delivery = createDelivery({
      ring,
      publicUrl: 'https://photos.example',
      store: { presigner: null },
      config: { delivery: 'edge', deliveryBucket: 3_600 },
      now: () => new Date(time),
    } as unknown as Parameters<typeof createDelivery>[0])
    const keys = () => Array.from({ length: page }, () => `renditions/${randomBytes(16).toString('hex')}/thumb.webp`)
    const expires = Math.floor(time / 1000) + 3_600
    const grantOf = (key: string) => ({
      key,
      type: 'image/webp',
      disposition: 'inline' as const,
      filename: null,
      expires,
    })
    const sign = (kind: 'HMAC' | 'Ed25519') => {
      const signer = createSigner(ring, kind)
      return (all: string[]) => Promise.all(all.map((key) => signer.delivery('', grantOf(key))))
    }
    const verifier = createVerifier(ring)
    const verify = (urls: string[]) => Promise.all(urls.map((url) => verifier.delivery(url)))
    const recall = async (urls: string[]) => urls.map((url) => verifier.recall(url))

    const serve = async (all: string[]) => {
      // Another bucket, so that nothing is remembered.
      time += 3_600_000
      return Promise.all(
        all.map((key) => delivery.urlOf({ object_key: key, content_type: 'image/webp', filename: null })),
      )
    }
    const asIs = async (all: string[]) => all
    return [
      { what: 'server: sign (HMAC)', cost: await cost(pages, keys, asIs, serve) },
      { what: 'sign, Ed25519', cost: await cost(pages, keys, asIs, sign('Ed25519')) },
      { what: 'verify, HMAC, first time', cost: await cost(pages, keys, sign('HMAC'), verify) },
      { what: 'verify, Ed25519, first time', cost: await cost(pages, keys, sign('Ed25519'), verify) },
      {
        what: 'verify again',
        cost: await cost(
          pages,
          keys,
          async (all) => {
            const urls = await sign('HMAC')(all)
            await verify(urls)
            return urls
          },
          recall,
        ),
      },
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Median over pages, after a quarter of them to warm up; what `prepare` does is not timed. */
async function cost<T>(
  pages: number,
  make: () => string[],
  prepare: (keys: string[]) => Promise<T>,
  work: (prepared: T) => Promise<unknown>,
): Promise<number> {
  const times: number[] = []
  for (let turn = 0; turn < pages * 1.25; turn += 1) {
    const prepared = await prepare(make())
    const began = performance.now()
    await work(prepared)
    times.push(performance.now() - began)
  }
  return (median(times.slice(Math.floor(pages / 4))) * 1000) / page
}
