/** A real nginx with the configuration of `deploy/nginx`, on free ports, in a folder of its own, before a test's edge. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from './test-edge.ts'

const deploy = join(import.meta.dirname, '../../../../deploy/nginx')

export interface TestNginx {
  /** `https://127.0.0.1:…`, with the certificate below. */
  base: string
  insecureBase: string
  certificate: string
  /** Lines of the access log so far. */
  log(): Promise<Record<string, string | number>[]>
  [Symbol.asyncDispose](): Promise<void>
}

export interface TestNginxOptions {
  program: string
  /** Address of the edge, `http://127.0.0.1:…`. */
  upstream: string
  /** Root of the file store, and folder of the cache. */
  files: string
  cache: string
}

export async function startNginx({ program, upstream, files, cache }: TestNginxOptions): Promise<TestNginx> {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-nginx-'))
  const [secure = 0, insecure = 0] = await freePorts(2)
  await mkdir(join(folder, 'temporary'))
  await makeCertificate(folder)
  const shipped = await readFile(join(deploy, 'heliograph.conf'), 'utf8')
  const configuration = replaceAll(shipped, {
    'listen [::]:443 ssl http2;': '',
    'listen [::]:80;': '',
    'listen 443 ssl http2;': `listen 127.0.0.1:${secure} ssl http2;`,
    'listen 80;': `listen 127.0.0.1:${insecure};`,
    'server 127.0.0.1:8080;': `server ${new URL(upstream).host};`,
    '/var/lib/heliograph/files': files,
    '/var/lib/heliograph/cache': cache,
    '/etc/letsencrypt/live/photos.example/fullchain.pem': join(folder, 'certificate.pem'),
    '/etc/letsencrypt/live/photos.example/privkey.pem': join(folder, 'key.pem'),
    '/var/cache/nginx/heliograph-verdicts': join(folder, 'verdicts'),
    '/var/log/nginx/heliograph.json': join(folder, 'access.json'),
  })
  await writeFile(join(folder, 'heliograph.conf'), configuration)
  await writeFile(join(folder, 'heliograph-files.inc'), await readFile(join(deploy, 'heliograph-files.inc')))
  await writeFile(join(folder, 'nginx.conf'), mainConfiguration(folder))

  const nginx = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const isOver = once(nginx, 'exit')
  const certificate = await readFile(join(folder, 'certificate.pem'), 'utf8')
  const insecureBase = `http://127.0.0.1:${insecure}`

  await eventually(async () => {
    if (nginx.exitCode !== null) throw new Error(await readFile(join(folder, 'error.log'), 'utf8'))
    try {
      await (await fetch(insecureBase, { redirect: 'manual' })).text()
      return true
    } catch {
      // Not listening yet.
      return false
    }
  })

  return {
    base: `https://127.0.0.1:${secure}`,
    insecureBase,
    certificate,
    async log() {
      const lines = (await readFile(join(folder, 'access.json'), 'utf8')).trim().split('\n')
      return lines.map((line) => JSON.parse(line) as Record<string, string | number>)
    },
    async [Symbol.asyncDispose]() {
      nginx.kill('SIGTERM')
      await isOver
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What is shipped must hold what the test puts its own into. */
function replaceAll(text: string, replacements: Record<string, string>): string {
  return Object.entries(replacements).reduce((result, [from, to]) => {
    if (!result.includes(from)) throw new Error(`heliograph.conf has no "${from}"`)
    return result.replaceAll(from, to)
  }, text)
}

function mainConfiguration(folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, 'temporary', name)};`)
    .join('\n')
  // The files of a test belong to whoever runs it.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  return `${user}
daemon off;
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'error.log')} warn;
events { worker_connections 1024; }
http {
  ${temporary}
  include ${join(folder, 'heliograph.conf')};
}
`
}

async function makeCertificate(folder: string): Promise<void> {
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'key.pem')]
  const output = ['-days', '2', '-out', join(folder, 'certificate.pem')]
  await promisify(execFile)('openssl', ['req', '-x509', ...key, ...names, ...output])
}

/** Held open together, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await once(server.listen(0, '127.0.0.1'), 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
