/** nginx for one run: as a peer that checks `secure_link` itself, or in front of ours. Its folder is its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answers, benchDirectory, end, freePort } from './contender.ts'
import type { Limits } from './limits.ts'

export interface Nginx {
  base: string
  pid: number
  stop(): Promise<void>
}

const secret = 'a secret of the benchmark'

/** Serves `root` under `/m/` to whoever has the MD5 of expiry, path and secret, as its documentation proposes. */
export function startSecureLink(limits: Limits, root: string): Promise<Nginx> {
  return startNginx(
    limits,
    `location /m/ {
      secure_link $arg_md5,$arg_expires;
      secure_link_md5 "$secure_link_expires$uri ${secret}";
      if ($secure_link = "") { return 403; }
      if ($secure_link = "0") { return 410; }
      add_header Cache-Control "private, max-age=3600, immutable";
      add_header X-Content-Type-Options nosniff;
      alias ${root}/;
    }`,
  )
}

/** In front of ours: passes requests on, and sends the files it is told to. */
export function startInFront(limits: Limits, upstream: string, root: string): Promise<Nginx> {
  return startNginx(
    limits,
    `location / { ${passOn} proxy_pass http://ours; }
    ${files(root)}`,
    `upstream ours { server ${new URL(upstream).host}; keepalive 64; }`,
  )
}

/** As `deploy/nginx` does it for renditions: what ours said of a URL is kept for ten seconds, the file is looked at for every answer. */
export function startRemembering(limits: Limits, upstream: string, root: string): Promise<Nginx> {
  return startNginx(
    limits,
    `location / { ${passOn} proxy_pass http://ours; }
    location /m/ {
      auth_request /_verdict;
      auth_request_set $file $upstream_http_x_accel_redirect;
      auth_request_set $keep $upstream_http_cache_control;
      try_files /dev/null/none $file;
    }
    location = /_verdict {
      internal;
      ${passOn}
      proxy_pass http://ours$request_uri;
      proxy_method HEAD;
      proxy_ignore_headers X-Accel-Redirect Cache-Control Expires Vary;
      proxy_cache verdicts;
      proxy_cache_key $request_uri;
    }
    ${files(root)}`,
    `upstream ours { server ${new URL(upstream).host}; keepalive 64; }
    proxy_cache_path VERDICTS keys_zone=verdicts:10m inactive=60s max_size=64m;`,
  )
}

const passOn = `proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $remote_addr;`

const files = (root: string) => `location /_files${root}/ {
      internal;
      alias ${root}/;
      add_header X-Content-Type-Options nosniff;
      add_header Content-Security-Policy sandbox;
    }`

export function secureLink(path: string, expires: number): string {
  const md5 = createHash('md5').update(`${expires}${path} ${secret}`).digest('base64url')
  return `${path}?md5=${md5}&expires=${expires}`
}

async function startNginx(limits: Limits, locations: string, upstream = ''): Promise<Nginx> {
  const directory = await mkdtemp(join(benchDirectory(), 'heliograph-bench-nginx-'))
  const port = await freePort()
  await writeFile(
    join(directory, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${directory}/pid; error_log stderr error; user root;
    events { worker_connections 4096; }
    http {
      access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type image/webp;
      client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/f;
      uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
      ${upstream.replace('VERDICTS', `${directory}/verdicts`)}
      server { listen 127.0.0.1:${port}; ${locations} }
    }`,
  )
  const [command = '', ...args] = limits.server(['nginx', '-p', directory, '-c', join(directory, 'nginx.conf')])
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const base = `http://127.0.0.1:${port}`
  await answers(`${base}/readyz`, child)
  return {
    base,
    pid: child.pid ?? 0,
    async stop() {
      await end(child)
      await rm(directory, { recursive: true, force: true })
    },
  }
}
