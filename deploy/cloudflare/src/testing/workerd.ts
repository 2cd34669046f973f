/** Starts the runtime of Cloudflare Workers with our Worker, and what stands around it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { buildWorker } from '../../build.ts'
import type { Environment } from '../environment.ts'

export interface WorkerdOptions {
  /** Text bindings. */
  environment: Omit<Environment, 'MEDIA'>
  /** `127.0.0.1:<port>` of an R2 service, for the binding MEDIA. */
  r2?: string
  /** Of a cache service. */
  cache: string
}

export interface Workerd {
  url: string
  stop(): Promise<void>
}

export async function startWorkerd({ environment, r2, cache }: WorkerdOptions): Promise<Workerd> {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-workerd-'))
  await buildWorker(join(folder, 'worker.js'))
  const bindings = Object.entries(environment).map(
    ([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`,
  )
  if (r2 !== undefined) bindings.push('(name = "MEDIA", r2Bucket = "r2")')
  const external = (name: string, address: string) =>
    `(name = "${name}", external = (address = "${address}", http = ()))`
  await writeFile(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "internet", network = (allow = ["local", "private", "public"])),
    ${r2 === undefined ? '' : `${external('r2', r2)},`}
    ${external('cache', cache)},
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (cfBlobHeader = "CF-Blob"), service = "worker")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-11-01",
  bindings = [${bindings.join(', ')}],
  cacheApiOutbound = "cache",
);
`,
  )
  // The binary comes as a package of its own; `workerd` knows which. Its install script is not needed.
  const { default: binary } = createRequire(import.meta.url)('workerd') as { default: string }
  const child = spawn(binary, ['serve', '--control-fd=3', join(folder, 'config.capnp')], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const exited = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGKILL')
    await exited
    await rm(folder, { recursive: true })
  }
  try {
    const port = await Promise.race([
      listeningPort(child.stdio[3] as Readable),
      exited.then(() => Promise.reject(new Error(`workerd ended: ${errors}`))),
    ])
    return { url: `http://127.0.0.1:${port}`, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** workerd says on its control channel, in lines of JSON, where it listens. */
async function listeningPort(control: Readable): Promise<number> {
  let text = ''
  for await (const chunk of control) {
    text += chunk
    const line = text.split('\n').find((one) => one.includes('"listen"'))
    if (line !== undefined) return JSON.parse(line).port
  }
  throw new Error('workerd closed its control channel')
}
