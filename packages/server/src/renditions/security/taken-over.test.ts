/** What a decoding program can do to others once a hostile file has taken it over: here it is one that was written for that. */
import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it, test } from 'node:test'
import sharp from 'sharp'
import type { Ending, Sandbox } from '../../engines/sandbox/sandbox.ts'
import { jpeg } from '../../testing/photos.ts'
import { startTestServer, type TestAccount, type TestServer } from '../../testing/server.ts'
import { upload } from '../../testing/upload.ts'
import { createImageDecoder } from '../image/index.ts'
import { frameHead } from '../image/protocol.ts'
import { sourceOf } from '../image/testing/pictures.ts'
import { createUnconfinedSandbox } from '../image/testing/unconfined.ts'
import { box, movie } from '../metadata/testing/files.ts'
import { createRunFfmpeg } from '../video/run-ffmpeg.ts'

/** What the program leaves where its output should be, in the shell's words, by the name that the video tells it. */
const attacks = {
  'poster-link': 'ln -s "$victim" "$out"',
  'poster-pipe': 'mkfifo "$out"',
  'poster-folder': 'mkdir "$out"',
  'poster-flood': 'i=0; while sleep 0.3; do fallocate -l 60M "$out$i" || exit; i=$((i + 1)); done',
  'video-link': 'ln -s "$victim" "$out"',
  'stream-link': 'ln -s "$victim" "$media"; printf "$playlist" 100 > "$out"',
  'stream-list-link': 'echo avcC > "$media"; ln -s "$victim" "$out"',
  'stream-list-pipe': 'echo avcC > "$media"; mkfifo "$out"',
  'stream-endless-start': 'echo avcC > "$media"; printf "$playlist" 99999999999 > "$out"',
}

describe('a video decoder that was taken over', () => {
  let server: TestServer
  let ann: TestAccount
  let bob: TestAccount
  let folder: string
  const secret = Buffer.from('the face of Ann')

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'heliograph-taken-over-'))
    server = await startTestServer({ PATH: folder })
    ann = await server.register('ann')
    bob = await server.register('bob')
    const { id } = await upload(ann, Buffer.concat([jpeg(300), secret]))
    await server.settleJobs()
    const { db, store } = server.engines
    const { object_key } = await db
      .selectFrom('asset')
      .select('object_key')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    const picture = await sharp({ create: { width: 320, height: 240, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer()
    await writeFile(join(folder, 'ffmpeg'), program(store.localPath(object_key) ?? '', picture))
    await chmod(join(folder, 'ffmpeg'), 0o755)
  })
  after(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })

  for (const name of Object.keys(attacks)) {
    it(`gets nothing of others by ${name.replaceAll('-', ' ')}, and ends only its own video`, async () => {
      const { id } = await upload(bob, Buffer.concat([movie(), box('free', `attack:${name};`)]), {
        filename: 'holiday.mp4',
        contentType: 'video/mp4',
      })
      await server.settleJobs()
      const { body } = await bob.call('GET', `/v1/assets/${id}`)
      assert.deepEqual([body.state, body.failure], ['failed', name === 'poster-flood' ? 'too-large' : 'undecodable'])
      const { db, store } = server.engines
      const made = await db.selectFrom('rendition').select('object_key').where('asset_id', '=', id).execute()
      for (const { object_key } of made) {
        assert.ok(!(await buffer((await store.get(object_key)).body)).includes(secret), object_key)
      }
      assert.deepEqual(await readdir(join(server.dataDir, 'scratch')), [])
    })
  }
})

/** Looks like ffmpeg to the server, and attacks as the video says. */
function program(victim: string, poster: Buffer): string {
  return `#!/bin/sh
for out; do :; done
out=\${out#file:}
media=\${out%.m3u8}.mp4
victim='${victim}'
playlist='#EXTM3U\\n#EXT-X-MAP:URI="x",BYTERANGE="%s@0"\\n#EXTINF:1.0,\\n#EXT-X-BYTERANGE:10@0\\nx\\n'
input=$(echo "$*" | sed 's/.*-i file:\\([^ ]*\\) .*/\\1/')
attack=$(grep -ao 'attack:[a-z-]*' "$input" 2> /dev/null | cut -d : -f 2)
stream() {
  echo "  Duration: 00:00:01.00, start: 0.000000, bitrate: 100 kb/s" >&2
  echo "  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), $1(progressive), 320x240 [SAR 1:1 DAR 4:3], 100 kb/s, 25 fps, 25 tbr, 12800 tbn (default)" >&2
}
case "$*" in
  *-version*) echo 'ffmpeg version 7.1' ;;
  *-encoders*) printf ' V libx264 x\\n A aac x\\n V mjpeg x\\n' ;;
  *-decoders*) printf ' V h264 x\\n V hevc x\\n V vp9 x\\n V libdav1d x\\n' ;;
  *-filters*) printf ' T zscale x\\n T tonemap x\\n T bwdif x\\n T signalstats x\\n' ;;
  *ffmetadata*) case "$attack" in stream-*) stream yuv444p ;; *) stream yuv420p ;; esac ;;
  *signalstats*)
    printf 'lavfi.signalstats.YAVG=100\\nlavfi.signalstats.YLOW=20\\nlavfi.signalstats.YHIGH=200\\n'
    case "$attack" in
      ${posterAttacks.map(shellCase).join('\n      ')}
      *) base64 -d > "$out" << 'END'
${poster.toString('base64')}
END
      ;;
    esac ;;
  *) case "$attack" in
      ${laterAttacks.map(shellCase).join('\n      ')}
    esac ;;
esac
`
}

const posterAttacks = Object.keys(attacks).filter((name) => name.startsWith('poster'))
const laterAttacks = Object.keys(attacks).filter((name) => !name.startsWith('poster'))

function shellCase(name: string): string {
  return `${name}) ${attacks[name as keyof typeof attacks]} ;;`
}

test('a line without end, printed by a video decoder, is not kept', async () => {
  const chunk = Buffer.alloc(16 << 20, 'x')
  // Together they are longer than any string may be.
  const chunks = [...Array.from({ length: 40 }, () => chunk), Buffer.from('\nprogress=end\n')]
  const sandbox: Sandbox = {
    strength: { level: 'full', missing: null },
    start: () => ({
      stdin: new PassThrough(),
      stdout: Readable.from(chunks),
      stderr: new PassThrough().end(),
      ended: Promise.resolve<Ending>({ how: 'exit', code: 0 }),
      kill: () => undefined,
    }),
  }
  const run = createRunFfmpeg({
    sandbox,
    programs: { ffmpeg: '/usr/bin/true', version: '7', origin: 'system', lacks: [] },
    threads: 1,
  })
  const lines: string[] = []
  await run({
    input: { path: '/nowhere', container: 'mov' },
    outputOptions: [],
    scratch: null,
    limits: { memory: 1, seconds: 1, fileSize: 1 },
    priority: 'interactive',
    signal: new AbortController().signal,
    onLine: (line) => lines.push(line),
  })
  assert.deepEqual(lines, ['progress=end'])
})

describe('an image decoder that was taken over', () => {
  const image = { name: 'thumb', contentType: 'image/webp' as const, width: 1, height: 1, size: 1 }
  const lies: Record<string, { name: string; contentType: string }[]> = {
    'the copy for others': [{ ...image, name: 'shareable' }],
    'the public picture of an account': [{ ...image, name: 'public' }],
    'a video': [{ ...image, name: 'video' }],
    'a size under a path': [{ ...image, name: '../../keys' }],
    'a type that runs script': [{ ...image, contentType: 'image/svg+xml' }],
    'a format nobody asked for': [{ ...image, contentType: 'image/avif' }],
    'one size twice': [image, image],
  }
  for (const [what, images] of Object.entries(lies)) {
    it(`cannot pass off its picture as ${what}`, async () => {
      const decoder = createImageDecoder({ sandbox: answering(images), processes: 1 })
      try {
        await assert.rejects(
          decoder.decode(sourceOf(jpeg(200)), { sizes: ['thumb'], metadata: false, priority: 'interactive' }),
          { name: 'CannotDecode', reason: 'undecodable' },
        )
      } finally {
        await decoder.close()
      }
    })
  }
})

/** Programs that greet as the decoder does, read one picture, and answer with these. */
function answering(images: { name: string; contentType: string }[]): Sandbox {
  const answer = {
    outcome: 'decoded' as const,
    width: 1,
    height: 1,
    animated: false,
    thumbhash: '',
    images,
    metadata: null,
    metadataError: null,
    memory: 0,
  }
  const frames = [frameHead({ outcome: 'ready' }), frameHead(answer as Parameters<typeof frameHead>[0])]
  const source = `process.stdout.write(Buffer.from('${frames[0]?.toString('base64')}', 'base64'))
    process.stdin.once('data', () => process.stdout.write(Buffer.from('${Buffer.concat([frames[1] ?? Buffer.alloc(0), Buffer.from('xx')]).toString('base64')}', 'base64')))`
  return createUnconfinedSandbox((program) => ({ ...program, command: process.execPath, args: ['-e', source] }))
}
