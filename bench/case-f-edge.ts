/** (f) Signed files a second, beside nginx that checks `secure_link`: ours alone, and ours behind nginx. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createSigner } from '@heliograph/signing'
import { loadSigningKeys } from '../packages/server/src/delivery/index.ts'
import { createFileStore } from '../packages/server/src/engines/object-store/index.ts'
import { benchDirectory, heliograph, type RunningServer, startServer } from './contender.ts'
import type { BenchContext } from './context.ts'
import { secureLink, startInFront, startRemembering, startSecureLink } from './nginx.ts'
import { readUsage } from './process-tree.ts'
import { median, type Section } from './report.ts'

interface Run {
  /** Answers a second. */
  rate: number
  /** Megabytes a second. */
  speed: number
  errors: number
  /** Milliseconds. */
  p50: number
  p99: number
  /** CPU microseconds an answer, of everything that serves. */
  cpu: number
}

interface Wrk {
  requests: number
  microseconds: number
  bytes: number
  errors: number
  p50: number
  p99: number
}

const kinds = [
  { label: '30 KB', size: 30_000, count: 1_000, connections: 32 },
  { label: '5 MB', size: 5_000_000, count: 40, connections: 8 },
]
type Kind = (typeof kinds)[number]

const contenders = [
  'nginx secure_link',
  'heliograph alone',
  'heliograph behind nginx',
  'the same, each URL asked',
] as const
type Label = (typeof contenders)[number]

export async function edge(context: BenchContext): Promise<Section> {
  const rows: string[][] = []
  const targets = []
  for (const kind of kinds) {
    const rounds = new Map(contenders.map((label): [Label, Run[]] => [label, []]))
    for (let round = 0; round < context.rounds; round += 1) {
      for (const label of contenders) {
        const run = await serve(context, label, kind)
        rounds.get(label)?.push(run)
        process.stderr.write(
          `  ${label}, ${kind.label}: ${run.rate.toFixed(0)}/s, ${run.speed.toFixed(0)} MB/s, CPU ${run.cpu.toFixed(0)} µs, errors ${run.errors}\n`,
        )
      }
    }
    const of = (label: Label, value: (run: Run) => number) => median((rounds.get(label) ?? []).map(value))
    const ratio = (label: Label) =>
      median(
        (rounds.get(label) ?? []).map((run, round) => run.rate / (rounds.get('nginx secure_link')?.[round]?.rate ?? 1)),
      )
    for (const label of contenders) {
      rows.push([
        label,
        kind.label,
        of(label, (run) => run.rate).toFixed(0),
        of(label, (run) => run.speed).toFixed(0),
        ratio(label).toFixed(2),
        of(label, (run) => run.p50).toFixed(2),
        of(label, (run) => run.p99).toFixed(2),
        of(label, (run) => run.cpu).toFixed(0),
        String(Math.max(...(rounds.get(label) ?? []).map((run) => run.errors))),
      ])
    }
    for (const [label, wanted] of [
      ['heliograph alone', 0.3],
      ['heliograph behind nginx', 0.6],
    ] as const) {
      targets.push({
        what: `${label} to nginx, ${kind.label}`,
        wanted: `at least ${wanted}`,
        measured: ratio(label).toFixed(2),
        met: ratio(label) >= wanted,
      })
    }
  }
  return {
    id: 'f',
    title: 'Signed files a second',
    method:
      'wrk asks for 1,000 files of 30 KB on 32 connections and for 40 files of 5 MB on 8, each by a signed URL, over plain HTTP on loopback; all of them ' +
      'are in the page cache. nginx has one worker and checks the MD5 of `secure_link`; ours checks its HMAC-SHA256 and answers with its full ' +
      'set of headers; behind nginx it answers `X-Accel-Redirect`, which the configuration in deploy/nginx keeps for ten seconds ("each URL asked" does not), and both share the one core. "Ratio" is to nginx in the same round.',
    header: ['server', 'file', 'answers/s', 'MB/s', 'ratio', 'p50 ms', 'p99 ms', 'CPU µs an answer', 'errors'],
    rows,
    targets,
  }
}

async function serve(context: BenchContext, label: Label, kind: Kind): Promise<Run> {
  const { limits } = context
  const contender = {
    ...heliograph.direct,
    environment: {
      ...heliograph.direct.environment,
      ...(label !== 'heliograph alone' && { ACCEL_REDIRECT: '/_files', TRUSTED_PROXIES: '127.0.0.1' }),
    },
  }
  const server = await startServer(contender, limits)
  try {
    const { keys, root, pathOf } = await fill(server, kind)
    if (label === 'nginx secure_link') {
      const expires = Math.floor(Date.now() / 1000) + 3_600
      const nginx = await startSecureLink(limits, root)
      const paths = keys.map((key) => secureLink(`/m/${pathOf(key)}`, expires))
      return await load(context, nginx.base, paths, [nginx.pid]).finally(nginx.stop)
    }
    const signer = createSigner(await loadSigningKeys(server.directory))
    const expires = Math.floor(Date.now() / 1000) + 3_600
    const paths = await Promise.all(
      keys.map((key) =>
        signer.delivery('', { key, type: 'image/webp', disposition: 'inline', filename: null, expires }),
      ),
    )
    if (label === 'heliograph alone') return await load(context, server.url, paths, [server.pid])
    const start = label === 'heliograph behind nginx' ? startRemembering : startInFront
    const nginx = await start(limits, server.url, root)
    return await load(context, nginx.base, paths, [nginx.pid, server.pid]).finally(nginx.stop)
  } finally {
    await server.stop()
  }
}

/** Puts the files where the server keeps its own. */
async function fill(server: RunningServer, { size, count }: Kind) {
  const root = join(server.directory, 'files')
  const store = createFileStore({ root })
  const keys: string[] = []
  for (let index = 0; index < count; index += 1) {
    const key = `renditions/${randomBytes(16).toString('hex')}/thumb.webp`
    await store.put(key, Readable.from([randomBytes(size)]), { contentType: 'image/webp', size })
    keys.push(key)
  }
  const pathOf = (key: string) => relative(root, store.localPath(key) ?? '')
  await store.close()
  return { keys, root, pathOf }
}

async function load(context: BenchContext, base: string, paths: string[], pids: number[]): Promise<Run> {
  const folder = await mkdtemp(join(benchDirectory(), 'heliograph-bench-urls-'))
  const urls = join(folder, 'urls')
  await writeFile(urls, paths.join('\n'))
  const connections = String(paths.length > 100 ? 32 : 8)
  const run = async (seconds: number) => {
    const script = fileURLToPath(new URL('peers/urls.lua', import.meta.url))
    const [command = '', ...args] = context.limits.load([
      'wrk',
      '-t1',
      `-c${connections}`,
      `-d${seconds}s`,
      '-s',
      script,
      base,
    ])
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, URLS: urls } })
    const line = (await text(child.stdout)).trimEnd().split('\n').at(-1) ?? ''
    return JSON.parse(line) as Wrk
  }
  const used = () => pids.reduce((sum, pid) => sum + readUsage(pid).server, 0)
  try {
    await run(context.quick ? 1 : 3)
    const before = used()
    const result = await run(context.quick ? 2 : 10)
    const seconds = result.microseconds / 1e6
    return {
      rate: result.requests / seconds,
      speed: result.bytes / 1e6 / seconds,
      errors: result.errors,
      p50: result.p50 / 1000,
      p99: result.p99 / 1000,
      cpu: ((used() - before) * 1e6) / result.requests,
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}
