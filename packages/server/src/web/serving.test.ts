import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { sessionCookie } from '../accounts/session-cookie.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { makeSite, photosStyle, type SmallSite } from './testing/site.ts'

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  bytes: Buffer
}

let site: SmallSite
let server: TestServer
let ann: TestAccount

before(async () => {
  site = await makeSite()
  server = await startTestServer({}, { site: site.folder })
  ann = await server.register('ann')
})
after(async () => {
  await server.close()
  await site.remove()
})

/** Without the help of `fetch`, which decodes and normalizes. */
async function ask(path: string, headers: Record<string, string> = {}, method = 'GET', on = server): Promise<Answer> {
  const { hostname, port } = new URL(on.address)
  const request = httpRequest({ hostname, port, path, method, headers }).end()
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  const bytes = Buffer.concat(await answer.toArray())
  return { status: answer.statusCode ?? 0, headers: answer.headers, bytes }
}

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const script = '/_app/immutable/start.abc.js'

function firstDataOf({ bytes }: Pick<Answer, 'bytes'>) {
  const [, text = ''] = /id="heliograph-first">(.*?)<\/script/s.exec(bytes.toString()) ?? []
  return JSON.parse(text)
}

describe('a file of the site', () => {
  it('comes in the best coding the client takes, with its type, for ever', async () => {
    const plain = await ask(script)
    assert.equal(plain.status, 200)
    assert.equal(plain.headers['content-encoding'], undefined)
    assert.equal(plain.headers['content-type'], 'text/javascript; charset=utf-8')
    assert.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.equal(plain.headers.vary, 'accept-encoding')
    const decoders = { br: brotliDecompressSync, zstd: zstdDecompressSync, gzip: gunzipSync }
    const tags = new Set([plain.headers.etag])
    for (const [coding, decode] of Object.entries(decoders)) {
      const coded = await ask(script, { 'accept-encoding': coding })
      assert.equal(coded.headers['content-encoding'], coding)
      assert.equal(Number(coded.headers['content-length']), coded.bytes.length)
      assert.deepEqual(decode(coded.bytes), plain.bytes)
      tags.add(coded.headers.etag)
    }
    assert.equal(tags.size, 4)
  })

  it('is not sent again to whoever has it', async () => {
    const { headers } = await ask('/manifest.webmanifest')
    assert.equal(headers['cache-control'], 'no-cache')
    assert.equal(headers['content-type'], 'application/manifest+json')
    const again = await ask('/manifest.webmanifest', { 'if-none-match': `"other", W/${headers.etag}` })
    assert.equal(again.status, 304)
    assert.equal(again.bytes.length, 0)
    assert.equal(again.headers.etag, headers.etag)
    assert.equal((await ask('/manifest.webmanifest', { 'if-none-match': '"other"' })).status, 200)
  })

  it('answers HEAD with the headers alone', async () => {
    const head = await ask(script, { 'accept-encoding': 'br' }, 'HEAD')
    const get = await ask(script, { 'accept-encoding': 'br' })
    assert.equal(head.status, 200)
    assert.equal(head.bytes.length, 0)
    assert.equal(head.headers['content-length'], get.headers['content-length'])
    assert.equal(head.headers.etag, get.headers.etag)
  })

  it('is reached by its name alone, and nothing outside the folder by any', async () => {
    const paths = [
      '/_app/immutable/start.abc.js.br',
      '/_app/immutable/../../../../../../etc/passwd',
      '/..%2f..%2fetc%2fpasswd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/_app/immutable/old.def.js',
      '/_app/immutable/%E0%A4%A',
      '/.sources',
    ]
    for (const path of paths) {
      const { status, bytes } = await ask(path)
      assert.ok(status === 404 || status === 400, `${path} answered ${status}`)
      assert.doesNotMatch(bytes.toString(), /root:|not for anyone/)
    }
  })
})

describe('a page', () => {
  it('is the shell at every address of the site', async () => {
    for (const path of ['/', '/photos', '/photos/0199', '/albums/x/y?z=1', '/s/token']) {
      const answer = await ask(path, html)
      assert.equal(answer.status, 200, path)
      assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8')
      assert.equal(answer.headers['cache-control'], 'private, no-store')
      assert.match(answer.bytes.toString(), /<title>Heliograph/)
    }
    assert.equal((await ask('/')).status, 200, 'whatever the client takes')
  })

  it('is the shell also where there is no page, which the status says', async () => {
    for (const path of ['/anything', '/photos/a/b', '/wp-login.php']) {
      const answer = await ask(path, html)
      assert.equal(answer.status, 404, path)
      assert.match(answer.bytes.toString(), /<title>Heliograph/)
    }
  })

  it('names what it needs besides the shell, once', async () => {
    const text = (await ask('/photos', html)).bytes.toString()
    assert.match(text, /<link rel="modulepreload" href="\/photos.js">/)
    // Its styles are in it, by their hash; the link is there to be found by scripts, and fetches nothing.
    assert.ok(text.includes(`<style>${photosStyle}</style>`))
    assert.match(text, /<link rel="stylesheet" href="\/photos.css" disabled>/)
    const hash = createHash('sha256').update(photosStyle).digest('base64')
    const policy = String((await ask('/photos', html)).headers['content-security-policy'])
    assert.ok(policy.includes(`style-src 'self' 'sha256-${hash}';`))
    assert.match(String((await ask('/albums', html)).headers['content-security-policy']), /style-src 'self';/)
    assert.equal(text.match(/start\.abc\.js/g)?.length, 1)
    assert.doesNotMatch(text, /albums\.js/)
    const first = await ask('/', { ...html, cookie: `${sessionCookie}=${ann.token}` })
    assert.match(first.bytes.toString(), /photos\.js/, 'where a signed-in visitor is sent')
  })

  it('is none where the API, the edge or a program is meant', async () => {
    for (const path of [
      '/v1',
      '/v1/nothing',
      '/m',
      '/u/',
      '/docs/nothing',
      '/_app/nothing.js',
      '/.well-known/nothing',
    ]) {
      const answer = await ask(path, html)
      assert.equal(answer.status, 404, path)
      assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/)
    }
    assert.equal((await ask('/photos', { accept: 'application/json' })).status, 404)
    assert.equal((await ask('/photos', html, 'DELETE')).status, 404)
  })

  it('is compressed as the client likes, and HEAD gets none', async () => {
    const coded = await ask('/photos', { ...html, 'accept-encoding': 'gzip, br, zstd' })
    assert.equal(coded.headers['content-encoding'], 'zstd')
    assert.match(zstdDecompressSync(coded.bytes).toString(), /<title>Heliograph/)
    const head = await ask('/photos', html, 'HEAD')
    assert.equal(head.status, 200)
    assert.equal(head.bytes.length, 0)
  })

  it('can be had without anybody in it, to be kept for offline', async () => {
    const answer = await ask('/index.html', { cookie: `${sessionCookie}=${ann.token}` })
    assert.equal(firstDataOf(answer), null)
    assert.ok(answer.headers.etag)
  })
})

describe('the first data', () => {
  const as = (token: string) => ({ ...html, cookie: `${sessionCookie}=${token}` })

  it('is the account of the cookie, as the API would tell it', async () => {
    const first = firstDataOf(await ask('/photos', as(ann.token)))
    assert.deepEqual(first.me, (await ann.call('GET', '/v1/accounts/me')).body)
    assert.deepEqual(first.server, (await ann.call('GET', '/v1/server')).body)
  })

  it('is nobody for a cookie that is wrong or over, and for a token that is no session', async () => {
    const personal = await ann.call('POST', '/v1/accounts/me/tokens', {
      name: 't',
      scopes: ['account:read'],
      expiresAt: null,
    })
    const forged = 'hgs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    for (const token of ['', '%00', 'x'.repeat(3000), forged, personal.body.token]) {
      const answer = await ask('/photos', as(token))
      assert.equal(answer.status, 200)
      assert.equal(firstDataOf(answer).me, null)
      assert.equal(firstDataOf(answer).server.name, 'heliograph')
    }
    assert.equal(firstDataOf(await ask('/', { ...html, authorization: `Bearer ${ann.token}` })).me, null)
  })

  it('cannot be broken out of by a name', async () => {
    const name = `</script><script>alert('x')</script><!--\u2028$&`
    const mallory = await server.register('mallory')
    assert.equal((await mallory.call('PATCH', '/v1/accounts/me', { name })).status, 200)
    const answer = await ask('/photos', as(mallory.token))
    assert.equal(firstDataOf(answer).me.name, name)
    assert.doesNotMatch(answer.bytes.toString(), /<script>alert|<!--/)
  })

  it('is left out when the database is slow, and the page comes all the same', async () => {
    const client = await server.engines.pool.connect()
    try {
      await client.query('begin; lock table account in access exclusive mode')
      const answer = await ask('/photos', as(ann.token))
      assert.equal(answer.status, 200)
      assert.equal(firstDataOf(answer), null)
    } finally {
      await client.query('rollback')
      client.release()
    }
  })
})

describe('the headers of the site', () => {
  it('allow scripts and styles from here alone, and nothing inline that is not named', async () => {
    for (const path of ['/photos', '/service-worker.js']) {
      const { headers } = await ask(path, html)
      const policy = String(headers['content-security-policy'])
      assert.match(policy, /default-src 'none'/)
      assert.match(policy, /script-src 'self' 'wasm-unsafe-eval' 'sha256-[A-Za-z0-9+/]{43}='/)
      assert.match(policy, /style-src 'self'(?: 'sha256-[A-Za-z0-9+/]{43}=')?;/)
      assert.match(policy, /frame-ancestors 'none'/)
      assert.doesNotMatch(policy, /unsafe-(?:inline|eval)(?<!wasm-unsafe-eval)|https?:\/\/(?!127\.0\.0\.1)|\*/)
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['referrer-policy'], 'same-origin')
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
      assert.match(String(headers['permissions-policy']), /camera=\(\)/)
    }
    // A file that is only ever part of a page needs no words that are longer than itself.
    const { headers } = await ask(script, html)
    assert.equal(headers['content-security-policy'], undefined)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
  })

  it('name where bytes come from and go to', async () => {
    const elsewhere = await startTestServer(
      {
        PUBLIC_URL: 'https://photos.example',
        DELIVERY_URL: 'https://cdn.example/files',
        EDGE_URLS: 'icn=https://icn.example/x',
        OBJECT_STORE_URL: 's3://key:secret@bucket?endpoint=https://s3.example',
        ROLES: 'api',
      },
      {
        site: site.folder,
        store: (store) => ({ ...store, ping: async () => undefined, sweep: async () => 0 }),
      },
    )
    try {
      const { headers } = await ask('/', html, 'GET', elsewhere)
      const policy = Object.fromEntries(
        String(headers['content-security-policy'])
          .split('; ')
          .map((directive) => [directive.split(' ')[0], directive.split(' ').slice(1)]),
      )
      assert.ok(policy['img-src'].includes('https://cdn.example'))
      assert.ok(policy['media-src'].includes('https://cdn.example'))
      assert.ok(!policy['img-src'].includes('https://icn.example'))
      for (const origin of [
        'https://cdn.example',
        'https://icn.example',
        'https://s3.example',
        'https://photos.example',
      ])
        assert.ok(policy['connect-src'].includes(origin), origin)
    } finally {
      await elsewhere.close()
    }
  })
})

describe('what a phone shares before the site is installed', () => {
  it('is answered before its bytes are read', async () => {
    const { hostname, port } = new URL(server.address)
    const socket = connect(Number(port), hostname)
    socket.write(
      'POST /share HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 50000000\r\n\r\n--b\r\n',
    )
    const [chunk] = await once(socket, 'data')
    socket.destroy()
    assert.match(String(chunk), /^HTTP\/1\.1 303 /)
    assert.match(String(chunk), /location: \/photos\?share=failed/)
  })
})

describe('without a site', () => {
  it('a page says that it is not built, and the API works', async () => {
    const bare = await startTestServer({}, { site: `${site.folder}/nothing` })
    try {
      const page = await ask('/', html, 'GET', bare)
      assert.equal(page.status, 503)
      assert.match(page.bytes.toString(), /not built/)
      assert.equal((await ask('/v1/server', {}, 'GET', bare)).status, 200)
    } finally {
      await bare.close()
    }
  })

  it('when it is turned off, no page is there', async () => {
    const off = await startTestServer({ WEB: 'off' }, { site: site.folder })
    try {
      assert.equal((await ask('/', html, 'GET', off)).status, 404)
    } finally {
      await off.close()
    }
  })
})
