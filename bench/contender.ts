/**
 * The servers that are measured: how each is started, how a file gets into it, and how to find out how many files it
 * really keeps. Each runs as a process of its own, on a folder of its own that is removed afterwards.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Limits } from './limits.ts'
import type { Protocol } from './load-plan.ts'

export interface Contender {
  label: string
  protocol: Protocol
  /** The program, relative to this folder, with its arguments. */
  program: string[]
  /** Where uploads go, under the server's address. */
  path: string
  environment: Record<string, string>
  isOurs: boolean
  /** Starts what the server keeps files in, when that is not its own folder. */
  backing?: () => Promise<Backing>
}

/** An object store beside the server, fresh for each run and not under its limits. */
export interface Backing {
  environment: Record<string, string>
  /** Number of whole files of `size` bytes that it keeps. */
  count(size: number): Promise<number>
  stop(): Promise<void>
}

export interface RunningServer {
  pid: number
  /** Where uploads go. */
  url: string
  token: string | null
  /** Its data folder. */
  directory: string
  /** Number of whole files of `size` bytes that are kept. */
  stored(size: number): Promise<number>
  /** Ends the server and removes its folder. */
  stop(): Promise<void>
}

const peer = (label: string, protocol: Protocol, program: string, path = '/', environment = {}): Contender => ({
  label,
  protocol,
  program: [`peers/${program}.ts`],
  path,
  environment,
  isOurs: false,
})

const ours = (label: string, protocol: Protocol, environment = {}): Contender => ({
  label,
  protocol,
  program: ['../packages/server/src/cli/main.ts', 'serve'],
  path: '',
  environment: { OPS_PORT: '0', LOG_LEVEL: 'silent', ...environment },
  isOurs: true,
})

export const floor = peer('pipeline + fsync (the floor)', 'put', 'pipeline', '/', { FSYNC: '1' })

/** The upload service alone: what the worker makes of the files afterwards is measured by case e. */
const uploadsOnly = { ROLES: 'api,edge' }

export const heliograph = {
  direct: ours('heliograph, direct', 'direct', uploadsOnly),
  stream: ours('heliograph, streaming', 'stream', uploadsOnly),
  whole: ours('heliograph', 'direct'),
}

export const fileContenders: Contender[] = [
  peer('pipeline', 'put', 'pipeline'),
  floor,
  peer('express + multer (disk)', 'multipart-form', 'express-multer'),
  peer('@tus/server (file store)', 'tus', 'tus', '/files'),
  heliograph.direct,
  heliograph.stream,
]

/** With the same kind of store for all. */
export function s3Contenders(backing: () => Promise<Backing>): Record<'direct' | 'stream' | 'peer', Contender> {
  return {
    direct: { ...heliograph.direct, backing },
    stream: { ...heliograph.stream, backing },
    peer: { ...peer('express + PutObject', 'put', 'stream-to-s3'), backing },
  }
}

/** Where uploads are written: a folder on the disk that is to be measured. */
export function benchDirectory(): string {
  return process.env.BENCH_DIR ?? tmpdir()
}

const startTimeout = 60_000
/** Longer than our own DRAIN_TIMEOUT. */
const stopTimeout = 45_000

export async function startServer(contender: Contender, limits: Limits): Promise<RunningServer> {
  const directory = await mkdtemp(join(benchDirectory(), 'heliograph-bench-'))
  const backing = await contender.backing?.()
  const port = await freePort()
  const [script = '', ...args] = contender.program
  const program = fileURLToPath(new URL(script, import.meta.url))
  const [command = '', ...rest] = limits.server([process.execPath, program, ...args])
  const settings = { PORT: String(port), DIR: directory, DATA_DIR: directory, ...backing?.environment }
  const child = spawn(command, rest, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...contender.environment, ...settings },
  })
  const stop = async () => {
    await end(child)
    await backing?.stop()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const base = `http://127.0.0.1:${port}`
    await answers(`${base}/readyz`, child)
    // taskset and sh replace themselves by the server, so the child's id is the server's.
    if (child.pid === undefined) throw new Error(`${contender.label} has no process id`)
    return {
      pid: child.pid,
      url: base + contender.path,
      token: contender.isOurs ? await register(base) : null,
      directory,
      stored: (size) => backing?.count(size) ?? countFiles(directory, size),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Any HTTP answer will do of a peer; ours must say that it is ready. */
export async function answers(url: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + startTimeout
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`The server ended with code ${child.exitCode} before it was ready`)
    const status = await fetch(url).then(
      (response) => response.status,
      () => null,
    )
    if (status !== null && status !== 503) return
    await delay(50)
  }
  throw new Error(`The server was not ready after ${startTimeout / 1000} s`)
}

async function register(base: string): Promise<string> {
  const person = {
    handle: 'bench',
    name: 'Bench',
    email: 'bench@example.org',
    password: 'correct horse battery staple',
  }
  const response = await fetch(`${base}/v1/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(person),
  })
  if (response.status !== 201) throw new Error(`Registering answered ${response.status}: ${await response.text()}`)
  const body = (await response.json()) as { token: string }
  return body.token
}

/** Wherever in the folder the server puts them. */
async function countFiles(directory: string, size: number): Promise<number> {
  let count = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && (await stat(join(entry.parentPath, entry.name))).size === size) count += 1
  }
  return count
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No free port')
  return address.port
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeout)
  await exited
  clearTimeout(timer)
}
