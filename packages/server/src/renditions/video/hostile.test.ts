import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { Ending, Sandbox } from '../../engines/sandbox/sandbox.ts'
import { createRandom } from '../../testing/random.ts'
import { CannotDecode } from '../media.ts'
import { createVideoDecoder, type VideoDecoder, variantHeights } from './index.ts'
import { aac, film, h264, openVideoBench, tone } from './testing/videos.ts'

const bench = await openVideoBench()
after(() => bench?.close())

describe('hostile videos', { skip: bench === null ? 'npm brings no ffmpeg for this platform' : false }, () => {
  if (bench === null) return
  const { folder, ffmpeg, work, make } = bench

  /** Everything that is made of a video; null, or why it could not be. Any other error fails the test. */
  async function outcomeOf(decoder: VideoDecoder, path: string, type: string): Promise<CannotDecode | null> {
    try {
      const found = await decoder.probe(path, type, work.signal)
      await decoder.poster(path, found, work)
      if (found.playsEverywhere) await decoder.fastStart(path, found, work)
      const [height] = found.picture === null ? [] : variantHeights(found.picture)
      if (height !== undefined) await decoder.hls(path, found, height, work, () => undefined)
      return null
    } catch (error) {
      if (error instanceof CannotDecode) return error
      throw error
    }
  }

  test("a playlist or session description under a video's name reads no other file and reaches no network", async () => {
    // Without isolation: the options alone have to keep ffmpeg from it.
    const decoder = createVideoDecoder({ sandbox: unconfined, ffmpeg })
    const canary = join(folder, 'canary.txt')
    await writeFile(canary, 'the-canary-sings '.repeat(200))
    let connections = 0
    const server = createServer((socket) => {
      connections++
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const web = `http://127.0.0.1:${port}`
    const hls = (target: string) =>
      `#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:5.0,\n${target}\n#EXT-X-ENDLIST\n`
    const attacks: Record<string, string> = {
      'hls-http': hls(`${web}/a.ts`),
      'hls-file': hls(canary),
      'hls-concat': hls(`concat:${web}/a.m3u8|file:${canary}`),
      'hls-subfile': hls(`subfile,,start,0,end,64,,:${canary}`),
      dash: `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT5S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>${web}/a.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>`,
      sdp: `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${port} RTP/AVP/TCP 96\na=rtpmap:96 H264/90000\n`,
      concat: `ffconcat version 1.0\nfile '${canary}'\nfile '${web}/a.mp4'\n`,
    }
    const types = [
      'video/mp4',
      'video/webm',
      'video/vnd.avi',
      'video/mp2t',
      'video/mp2p',
      'video/mpeg',
      'video/x-ms-asf',
    ]
    try {
      // The attacks are real: an ffmpeg that guesses what it opens falls for them.
      const secret = await make('secret.ts', ...film('64x64', 1), ...h264)
      const naive = join(folder, 'naive.m3u8')
      const guess = (...options: string[]) =>
        promisify(execFile)(ffmpeg.ffmpeg, ['-nostdin', ...options, '-i', naive, '-f', 'null', '-'])
      await writeFile(naive, hls(secret))
      await guess()
      assert.ok((await outcomeOf(decoder, naive, 'video/mp4')) !== null)
      await writeFile(naive, attacks['hls-http'] ?? '')
      await assert.rejects(guess('-protocol_whitelist', 'file,http,tcp'))
      assert.ok(connections > 0)
      connections = 0

      for (const [name, text] of Object.entries(attacks)) {
        const path = join(folder, `${name}.mp4`)
        await writeFile(path, text)
        for (const type of types) assert.ok((await outcomeOf(decoder, path, type)) !== null, `${name} as ${type}`)
      }
      assert.equal(connections, 0)
      for (const name of await readdir(folder)) {
        if (name === 'canary.txt') continue
        const bytes = await readFile(join(folder, name))
        assert.ok(!bytes.includes('the-canary-sings'), name)
      }
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  test('no name of a file is taken for an option, a pattern or a protocol', async () => {
    const path = await make('good.mp4', ...film('64x64', 1), ...h264)
    for (const name of ['-i.mp4', '%03d.mp4', 'concat:a|b.mp4', 'a:b,c;[d]=\'e\' "f"\\.mp4', 'name with ‮ rtl.mp4']) {
      const named = join(folder, name)
      await writeFile(named, await readFile(path))
      assert.equal(await outcomeOf(bench.decoder, named, 'video/mp4'), null, name)
      await rm(named)
    }
  })

  test('files that are cut off, that lie or that are damaged end in a clear state', { timeout: 240_000 }, async () => {
    const path = await make('whole.mp4', ...film('64x64', 2), ...tone(2), ...h264, ...aac, '-movflags', '+faststart')
    const whole = await readFile(path)
    const patched = (mark: string, offset: number, value: number) => {
      const bytes = Buffer.from(whole)
      bytes.writeUInt32BE(value, bytes.indexOf(mark) + offset)
      return bytes
    }
    const damaged: Record<string, Buffer> = {
      empty: Buffer.alloc(0),
      'no-index': whole.subarray(0, 40),
      'half-index': whole.subarray(0, whole.indexOf('stts') + 20),
      'half-data': whole.subarray(0, whole.length * 0.6),
      'four-billion-times': patched('stts', 8, 0xffff_ffff),
      'endless-frame': patched('stts', 16, 0x7fff_ffff),
      'four-billion-sizes': patched('stsz', 12, 0xffff_ffff),
      'huge-box': patched('mdat', -4, 0xffff_fff0),
      'no-timescale': patched('mvhd', 16, 0),
    }
    const { integer } = createRandom(20_261_120)
    for (let turn = 0; turn < 6; turn++) {
      const bytes = Buffer.from(whole)
      for (let flip = 0; flip < 24; flip++) bytes[integer(bytes.length)] = integer(256)
      damaged[`noise-${turn}`] = bytes
    }
    const states: string[] = []
    for (const [name, bytes] of Object.entries(damaged)) {
      const file = join(folder, `${name}.mp4`)
      await writeFile(file, bytes)
      states.push(`${name}: ${(await outcomeOf(bench.decoder, file, 'video/mp4'))?.reason ?? 'shown'}`)
    }
    assert.ok(states.includes('empty: undecodable') && states.includes('no-index: undecodable'), states.join('\n'))
    assert.ok(states.includes('half-data: shown'), states.join('\n'))
  })

  test('how ffmpeg ended says whether trying again may help', async () => {
    const refusals: [ending: Ending, message: string, expected: RegExp][] = [
      [{ how: 'memory' }, '', /too-large/],
      [{ how: 'time' }, '', /too-large/],
      [{ how: 'file-size' }, '', /too-large/],
      [{ how: 'crashed', signal: 'SIGSEGV' }, '', /undecodable/],
      [{ how: 'exit', code: 1 }, 'moov atom not found', /undecodable/],
      [{ how: 'exit', code: 1 }, 'av_interleaved_write_frame(): No space left on device', /again/],
      [{ how: 'crashed', signal: 'SIGTERM' }, '', /again/],
      [{ how: 'not-started', message: 'no processes left' }, '', /again/],
      [{ how: 'aborted' }, '', /again/],
    ]
    const path = await make('any.mp4', ...film('64x64', 1), ...h264)
    for (const [ending, message, expected] of refusals) {
      const decoder = createVideoDecoder({ sandbox: endingWith(ending, message), ffmpeg })
      const outcome = await decoder
        .probe(path, 'video/mp4', work.signal)
        .then(() => 'shown')
        .catch((error: unknown) => (error instanceof CannotDecode ? error.reason : 'again'))
      assert.match(outcome, expected, JSON.stringify(ending))
    }
  })
})

/** Runs programs as they are, with the network and every file. */
const unconfined: Sandbox = {
  strength: { level: 'limits-only', missing: null },
  start({ command, args }) {
    const child = spawn(command, args, { stdio: 'pipe' })
    const ended = new Promise<Ending>((resolve) => {
      child.once('close', (code, signal) =>
        resolve(code === null ? { how: 'crashed', signal: signal ?? 'unknown' } : { how: 'exit', code }),
      )
    })
    return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, ended, kill: () => void child.kill() }
  },
}

const endingWith = (ending: Ending, message: string): Sandbox => ({
  strength: { level: 'full', missing: null },
  start: () => ({
    stdin: new PassThrough(),
    stdout: new PassThrough().end(),
    stderr: new PassThrough().end(message),
    ended: Promise.resolve(ending),
    kill: () => undefined,
  }),
})
