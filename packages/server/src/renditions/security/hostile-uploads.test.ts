/**
 * Crafted files on the whole way that any file takes, from the upload to its URLs: none of them makes the server call
 * anybody or show another file, and none is handed out as something that a browser would run.
 */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import { jpeg } from '../../testing/photos.ts'
import { startTestServer, type TestAccount, type TestServer } from '../../testing/server.ts'
import { complete, plan, putParts } from '../../testing/upload.ts'
import { describeSamples, sampleMedia, sampleNames } from '../image/testing/sample-media.ts'
import { box, jpegWith, movie, segment, uint32 } from '../metadata/testing/files.ts'

let server: TestServer
let ann: TestAccount
let folder: string
/** Calls from outside the tests' own, of either protocol. */
let calls = 0
const listener = createServer((socket) => {
  calls += 1
  socket.destroy()
})
const datagrams = createSocket('udp4', () => {
  calls += 1
})
let web: string
let canary: string
const song = 'the-canary-sings'

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heliograph-hostile-'))
  canary = join(folder, 'canary.txt')
  await writeFile(canary, song.repeat(50))
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  await new Promise<void>((resolve) => datagrams.bind(port, '127.0.0.1', resolve))
  web = `http://127.0.0.1:${port}`
  server = await startTestServer()
  ann = await server.register('ann')
})
after(async () => {
  await server.close()
  await new Promise((resolve) => listener.close(resolve))
  await new Promise<void>((resolve) => datagrams.close(resolve))
  await rm(folder, { recursive: true, force: true })
})

/** What became of a file: `refused 422`, `ready`, or `failed` and why. Anything else fails the test. */
async function fateOf(bytes: Uint8Array, filename: string, contentType = 'application/octet-stream'): Promise<Fate> {
  const planned = await plan(ann, bytes, { filename, contentType })
  if (planned.status !== 201) {
    assert.ok([400, 413, 415, 422].includes(planned.status), `${filename}: ${planned.status}`)
    return { end: `refused ${planned.status}`, id: null }
  }
  await putParts(planned.body, bytes)
  const completed = await complete(ann, planned.body.id)
  if (completed.status === 422) return { end: 'refused 422', id: null }
  // 200: the same bytes are there already.
  assert.ok([200, 201].includes(completed.status), `${filename}: ${JSON.stringify(completed.body)}`)
  await server.settleJobs()
  const { id } = completed.body.asset
  const { body } = await ann.call('GET', `/v1/assets/${id}`)
  assert.ok(['ready', 'failed'].includes(body.state), `${filename} is still ${body.state}`)
  assert.equal(body.state === 'failed', body.failure !== null)
  assert.notEqual(body.failure, 'processing-failed', `${filename} was tried again and again`)
  return { end: body.failure ?? body.state, id }
}

interface Fate {
  end: string
  id: string | null
}

async function assertNothingHappened(): Promise<void> {
  assert.equal(calls, 0, 'somebody was called')
  const { db, store } = server.engines
  for (const { object_key } of await db.selectFrom('rendition').select('object_key').execute()) {
    assert.ok(!(await buffer((await store.get(object_key)).body)).includes(song), object_key)
  }
  assert.deepEqual(await readdir(join(server.dataDir, 'scratch')).catch(() => []), [])
}

describe('a file that points elsewhere', () => {
  const hls = (target: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5.0,\n${target}\n#EXT-X-ENDLIST\n`
  const playlists = (): Record<string, string> => ({
    'hls-http': hls(`${web}/a.ts`),
    'hls-file': hls(`file://${canary}`),
    'hls-concat': hls(`concat:${web}/a|file:${canary}`),
    dash: `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT5S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>${web}/a.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`,
    sdp: `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${web.split(':').at(-1)} RTP/AVP 96\na=rtpmap:96 H264/90000\n`,
    concat: `ffconcat version 1.0\nfile '${canary}'\nfile '${web}/a.mp4'\n`,
    mvg: `push graphic-context\nviewbox 0 0 9 9\nimage over 0,0 9,9 'url(${web}/a.png)'\npop graphic-context\n`,
    postscript: `%!PS\n(${canary}) (r) file 1000 string readstring pop show\n`,
  })

  it('as a playlist, a session or a drawing under the name of media is refused', async () => {
    for (const [name, text] of Object.entries(playlists())) {
      for (const [filename, type] of [
        [`${name}.mp4`, 'video/mp4'],
        [`${name}.avi`, 'video/x-msvideo'],
        [`${name}.jpg`, 'image/jpeg'],
      ] as const) {
        assert.equal((await fateOf(Buffer.from(text), filename, type)).end, 'refused 422', filename)
      }
    }
    await assertNothingHappened()
  })

  it('behind the signature of a film reads no other file and calls nobody', async () => {
    const reference = (...entries: Buffer[]) => box('dref', uint32(0, entries.length), ...entries)
    const outside = reference(
      box('url ', uint32(0), `${web}/a.mp4\0`),
      box('url ', uint32(0), `file://${canary}\0`),
      box('alis', uint32(0), Buffer.from(`${canary}\0`)),
    )
    const track = box('trak', box('mdia', box('minf', box('dinf', outside))))
    const link = box('rmda', box('rdrf', uint32(0), 'url ', uint32(web.length + 1), `${web}\0`))
    for (const [name, text] of Object.entries(playlists())) {
      const bytes = Buffer.concat([movie({ boxes: [track, box('rmra', link)] }), Buffer.from(`\n${text}`)])
      assert.equal((await fateOf(bytes, `${name}.mp4`, 'video/mp4')).end, 'undecodable', name)
      const { end } = await fateOf(subtitleAvi(text), `${name}.avi`, 'video/x-msvideo')
      assert.ok(['undecodable', 'unsupported'].includes(end), `${name}.avi is ${end}`)
      const stream = Buffer.alloc(188 * 20)
      for (let at = 0; at < stream.length; at += 188) stream.write(`G${text.slice(0, 180)}`, at)
      const { end: asStream } = await fateOf(stream, `${name}.ts`, 'video/mp2t')
      assert.ok(['undecodable', 'unsupported', 'refused 422'].includes(asStream), `${name}.ts is ${asStream}`)
    }
    await assertNothingHappened()
  })

  it('as a drawing (SVG) shows no other file and calls nobody', async () => {
    const pink = join(folder, 'canary.png')
    await writeFile(
      pink,
      await sharp({ create: { width: 99, height: 99, channels: 3, background: '#ff00ff' } })
        .png()
        .toBuffer(),
    )
    const svg = (inner: string, prolog = '') =>
      `<?xml version="1.0"?>${prolog}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="99" height="99">${inner}</svg>`
    const drawings: Record<string, string> = {
      file: svg(
        `<image xlink:href="file://${pink}" width="99" height="99"/><image href="${pink}" width="99" height="99"/>`,
      ),
      http: svg(`<image xlink:href="${web}/a.png" width="9" height="9"/><use xlink:href="${web}/a.svg#b"/>`),
      style: svg(
        `<style>@import url("${web}/a.css"); rect { fill: url(${web}/a.svg#b) }</style><rect width="9" height="9"/>`,
      ),
      entity: svg('<text y="20">&xxe;</text>', `<!DOCTYPE svg [<!ENTITY xxe SYSTEM "file://${canary}">]>`),
      'parameter entity': svg('', `<!DOCTYPE svg [<!ENTITY % remote SYSTEM "${web}/a.dtd">%remote;]>`),
      include: svg(`<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://${canary}" parse="text"/>`),
      stylesheet: svg('', `<?xml-stylesheet href="${web}/a.xsl" type="text/xsl"?>`),
    }
    for (const [name, text] of Object.entries(drawings)) {
      const { id } = await fateOf(Buffer.from(text), `${name}.svg`, 'image/svg+xml')
      if (id === null) continue
      const { body } = await ann.call('GET', `/v1/assets/${id}`)
      for (const url of [body.urls.thumb, body.urls.preview]) {
        if (url === null) continue
        const { channels } = await sharp(Buffer.from(await (await fetch(url)).arrayBuffer())).stats()
        const [red = 0, green = 0, blue = 0] = channels.map(({ mean }) => mean)
        assert.ok(!(red > 200 && green < 50 && blue > 200), `${name} shows the other file`)
      }
    }
    await assertNothingHappened()
  })
})

describe('a file that a browser might run', () => {
  const script = '<html><script>fetch("/v1/accounts/me")</script></html>'
  const held = (answer: Response) => {
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(answer.headers.get('content-security-policy'), 'sandbox')
    return [answer.headers.get('content-type'), answer.headers.get('content-disposition')?.split(';')[0]]
  }

  it('as a picture and a page in one is a picture only, whatever its name says', async () => {
    const polyglot = jpegWith(jpeg(200), segment(0xfe, script))
    for (const filename of ['page.html', 'page.svg', 'page.jpg']) {
      assert.equal((await fateOf(polyglot, filename, 'text/html')).end, 'refused 415')
      const { id } = await fateOf(Buffer.concat([polyglot, Buffer.from(filename)]), filename, 'image/jpeg')
      const { body } = await ann.call('GET', `/v1/assets/${id}`)
      for (const method of ['GET', 'HEAD']) {
        assert.deepEqual(held(await fetch(body.urls.original, { method })), ['image/jpeg', 'inline'])
      }
      const thumb = await fetch(body.urls.thumb)
      assert.deepEqual(held(thumb), ['image/webp', 'inline'])
      assert.ok(!Buffer.from(await thumb.arrayBuffer()).includes('script'), 'a rendition has pixels only')
    }
  })

  it('as a drawing with script in it is saved, never shown, in whole and in part', async () => {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="alert(1)"><script>alert(1)</script><rect width="9" height="9"/></svg>`
    const { id } = await fateOf(Buffer.from(svg), 'drawing.svg', 'image/svg+xml')
    const { body } = await ann.call('GET', `/v1/assets/${id}`)
    for (const headers of [{}, { range: 'bytes=0-9' }, { accept: 'text/html' }]) {
      assert.deepEqual(held(await fetch(body.urls.original, { headers: headers as Record<string, string> })), [
        'image/svg+xml',
        'attachment',
      ])
    }
  })

  it('is named so that no header and no folder is broken out of', async () => {
    const names = [
      '-i.jpg',
      '../../etc/passwd.jpg',
      'a"\r\nSet-Cookie: x=1;\r\n.jpg',
      'photo\u202egpj.exe.jpg',
      '%0d%0a.jpg',
      'con.jpg',
    ]
    for (const name of names) {
      const { id } = await fateOf(jpeg(300), name, 'image/jpeg')
      const { body } = await ann.call('GET', `/v1/assets/${id}`)
      const answer = await fetch(body.urls.original)
      assert.equal(answer.headers.get('set-cookie'), null)
      const disposition = decodeURIComponent(answer.headers.get('content-disposition')?.split("''").at(-1) ?? '')
      assert.doesNotMatch(disposition, /[\u202e\r\n/\\]/, name)
      const zip = (await ann.call('POST', '/v1/assets/download', { ids: [id] })).body as Buffer
      assert.ok(!zip.includes('../') && !zip.includes('\u202e'), name)
    }
    await assertNothingHappened()
  })
})

describeSamples('every hostile file of the collection', () => {
  // Half a minute of decoding, which the tests of the decoder spend already.
  for (const name of sampleNames('hostile').filter((name) => name !== 's24ultra_200mp.heic')) {
    it(`${JSON.stringify(name)} ends in a clear state`, { timeout: 60_000 }, async () => {
      const { end } = await fateOf(sampleMedia(`hostile/${name}`), name)
      assert.match(end, /^(ready|refused 4\d\d|undecodable|unsupported|too-large|decoder-missing)$/)
    })
  }
  it('and none of them called anybody or showed another file', assertNothingHappened)
  it('while the server is well', async () => {
    assert.equal((await fetch(`${server.address}/readyz`)).status, 200)
    assert.equal((await fateOf(jpeg(400), 'after.jpg')).end, 'ready')
  })
})

/** A film whose subtitles are a file of their own (GAB2), which ffmpeg opens as what it looks like. */
function subtitleAvi(text: string): Buffer {
  const size = (length: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(length)
    return bytes
  }
  const chunk = (name: string, ...content: (string | Uint8Array)[]) => {
    const data = Buffer.concat(content.map((part) => Buffer.from(part)))
    return Buffer.concat([Buffer.from(name), size(data.length), data, Buffer.alloc(data.length % 2)])
  }
  const header = Buffer.alloc(56)
  header.writeUInt32LE(1, 24)
  const stream = Buffer.alloc(56)
  stream.write('txts')
  stream.writeUInt32LE(1, 20)
  stream.writeUInt32LE(25, 24)
  stream.writeUInt32LE(1, 32)
  const described = chunk('LIST', 'strl', chunk('strh', stream), chunk('strf', Buffer.alloc(40)))
  const subtitles = Buffer.concat([
    Buffer.from('GAB2\0\x02\0'),
    size(2),
    Buffer.alloc(2),
    Buffer.from([4, 0]),
    size(text.length),
  ])
  return chunk(
    'RIFF',
    'AVI ',
    chunk('LIST', 'hdrl', chunk('avih', header), described),
    chunk('LIST', 'movi', chunk('00tx', subtitles, text)),
  )
}
