import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { createSandbox } from '../../engines/sandbox/sandbox.ts'
import { CannotDecode, type MadeFile } from '../media.ts'
import { createVideoDecoder, type HlsVariant, masterPlaylist, mediaPlaylist } from './index.ts'
import { aac, film, h264, openVideoBench, tone } from './testing/videos.ts'

const bench = await openVideoBench()
after(() => bench?.close())

const isRefused = (reason: CannotDecode['reason']) => (error: unknown) =>
  error instanceof CannotDecode && error.reason === reason

describe('videos', { skip: bench === null ? 'npm brings no ffmpeg for this platform' : false }, () => {
  if (bench === null) return
  const { decoder, work, make, decode, folder, ffmpeg } = bench
  const probe = (path: string, type = 'video/mp4') => decoder.probe(path, type, work.signal)
  const hls = (path: string, found: Awaited<ReturnType<typeof probe>>, height: 480 | 720 | 1080 = 720) =>
    decoder.hls(path, found, height, work, () => undefined)

  /** The mean colour of a rectangle of the picture, red, green and blue from 0 to 255. */
  const colourAt = async (path: string, crop: string) => {
    const bytes = await decode(path, '-frames:v', '1', '-vf', `crop=${crop},scale=1:1:flags=area,format=rgb24`)
    return [...bytes]
  }
  const assertColour = (found: number[], expected: number[], tolerance: number) =>
    assert.ok(
      found.length === 3 && found.every((value, index) => Math.abs(value - (expected[index] ?? 0)) <= tolerance),
      `${found} is not ${expected}`,
    )

  describe('probing', () => {
    test('a phone video is told by its size, duration, rate and codecs', async () => {
      const path = await make('plain.mp4', ...film('640x360', 2, 30_000 / 1_001), ...tone(2), ...h264, ...aac)
      const found = await probe(path)
      assert.equal(found.picture?.width, 640)
      assert.equal(found.picture?.height, 360)
      assert.equal(found.picture?.codec, 'h264')
      assert.equal(found.picture?.frameRate?.toFixed(3), '29.970')
      assert.equal(found.picture?.hdr, null)
      assert.equal(found.sound?.codec, 'aac')
      assert.ok(Math.abs((found.duration ?? 0) - 2) < 0.1)
      assert.ok(found.playsEverywhere)
    })

    test('only H.264 of 8 bits with AAC, of moderate size and rate, counts as playing everywhere', async () => {
      const is = async (name: string, type: string, ...options: string[]) =>
        (await probe(await make(name, ...film('320x240', 1), ...options), type)).playsEverywhere
      assert.ok(await is('silent.mp4', 'video/mp4', ...h264))
      assert.ok(await is('silent.mkv', 'video/x-matroska', ...h264))
      assert.ok(!(await is('ten.mp4', 'video/mp4', '-c:v', 'libx264', '-pix_fmt', 'yuv420p10le')))
      assert.ok(!(await is('444.mp4', 'video/mp4', '-c:v', 'libx264', '-pix_fmt', 'yuv444p')))
      assert.ok(!(await is('rate.mp4', 'video/mp4', ...h264, '-x264-params', 'nal-hrd=cbr', ...strict('9M'))))
      assert.ok(!(await is('pcm.mov', 'video/quicktime', ...tone(1), ...h264, '-c:a', 'pcm_s16le')))
      assert.ok(!(await is('vp9.webm', 'video/webm', '-c:v', 'libvpx-vp9', '-cpu-used', '8')))
    })

    test('only sound is no picture, and has no poster', async () => {
      const path = await make('sound.mp4', ...tone(1), ...aac)
      const found = await probe(path)
      assert.equal(found.picture, null)
      await assert.rejects(decoder.poster(path, found, work), isRefused('undecodable'))
    })

    test('a good file in a codec that stays closed is unsupported', async () => {
      const path = await make('magic.avi', ...film('64x64', 1), '-c:v', 'magicyuv')
      await assert.rejects(probe(path, 'video/vnd.avi'), isRefused('unsupported'))
    })

    test('without an ffmpeg every video says what is missing', async () => {
      const helpless = createVideoDecoder({ sandbox: await createSandbox(), ffmpeg: null })
      await assert.rejects(helpless.probe('/nowhere.mp4', 'video/mp4', work.signal), isRefused('decoder-missing'))
    })
  })

  describe('posters', () => {
    test('every container of cameras gives one', async () => {
      const containers: [name: string, type: string, ...options: string[]][] = [
        ['a.avi', 'video/vnd.avi', '-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'],
        ['a.ts', 'video/mp2t', ...h264],
        ['a.mpg', 'video/mp2p', '-c:v', 'mpeg2video', '-f', 'vob'],
        ['a.wmv', 'video/x-ms-asf', '-c:v', 'wmv2'],
        ['a.3gp', 'video/3gpp', '-c:v', 'h263', '-s', '176x144'],
        ['a.webm', 'video/webm', '-c:v', 'libvpx', '-deadline', 'realtime'],
        ['a.mkv', 'video/x-matroska', ...h264],
      ]
      for (const [name, type, ...options] of containers) {
        const path = await make(name, ...film('320x240', 1), ...options)
        const poster = await decoder.poster(path, await probe(path, type), work)
        assert.ok(poster.width !== null && poster.width >= 176, name)
        assert.equal((await readFile(poster.path)).readUInt16BE(0), 0xffd8, name)
      }
    })

    test('a film that fades in from black shows a later frame', async () => {
      const path = await make(
        'fade.mp4',
        ...['-f', 'lavfi', '-i', 'color=black:320x240:r=25:d=4', ...film('320x240', 4)],
        ...['-filter_complex', 'concat=n=2', ...h264, '-g', '25'],
      )
      const poster = await decoder.poster(path, await probe(path), work)
      const mean = await colourAt(poster.path, 'iw:ih')
      assert.ok(Math.max(...mean) > 60, `${mean} is dark`)
    })

    test('all four rotations and mirrored ones are upright, once, in poster and stream', async () => {
      // Red to the left of the top, blue at the bottom.
      const upright = 'color=blue:640x360:r=25:d=1,drawbox=0:0:320:180:red:fill,drawbox=320:0:320:180:lime:fill'
      const turned: Record<string, { filter: string; option: string[] }> = {
        0: { filter: 'null', option: [] },
        90: { filter: 'transpose=clock', option: ['-display_rotation', '90'] },
        180: { filter: 'hflip,vflip', option: ['-display_rotation', '180'] },
        270: { filter: 'transpose=cclock', option: ['-display_rotation', '270'] },
        mirrored: { filter: 'hflip', option: ['-display_hflip'] },
      }
      for (const [name, { filter, option }] of Object.entries(turned)) {
        const stored = await make(`stored-${name}.mp4`, '-f', 'lavfi', '-i', `${upright},${filter}`, ...h264)
        const path = await make(`turned-${name}.mp4`, ...option, '-i', stored, '-c', 'copy')
        const found = await probe(path)
        assert.deepEqual([found.picture?.width, found.picture?.height], [640, 360], name)
        assert.equal(found.picture?.isMirrored, name === 'mirrored', name)
        assert.equal(found.playsEverywhere, name !== 'mirrored', name)
        const stream = await hls(path, found)
        const poster = await decoder.poster(path, found, work)
        assert.deepEqual([stream.width, stream.height, poster.width, poster.height], [640, 360, 640, 360], name)
        for (const made of [poster, stream]) {
          assertColour(await colourAt(made.path, '100:100:100:40'), [255, 0, 0], 24)
          assertColour(await colourAt(made.path, '100:100:440:40'), [0, 255, 0], 24)
          assertColour(await colourAt(made.path, '100:100:100:220'), [0, 0, 255], 24)
        }
      }
    })

    test('pixels that are not square are made so', async () => {
      const path = await make('dv.mp4', ...film('720x576', 1), ...h264, '-vf', 'setsar=64/45')
      const found = await probe(path)
      assert.deepEqual([found.picture?.width, found.picture?.height], [1_024, 576])
      const poster = await decoder.poster(path, found, work)
      assert.deepEqual([poster.width, poster.height], [1_024, 576])
    })

    test('HDR has its brightness and colours in the standard range', async () => {
      const hdr = (name: string, transfer: string, source: string) =>
        make(
          `${name}.mp4`,
          ...[
            '-f',
            'lavfi',
            '-i',
            source,
            '-c:v',
            'libx265',
            '-preset',
            'ultrafast',
            '-x265-params',
            'log-level=error',
          ],
          ...['-qp', '4', '-tag:v', 'hvc1', '-color_primaries', 'bt2020', '-color_trc', transfer],
          ...['-colorspace', 'bt2020nc', '-color_range', 'tv'],
        )
      // A warm brown that all of the range keeps as it is, brought into PQ with white at 203 cd/m².
      const brown = 'color=c=0x804020:s=320x240:r=25:d=1,format=gbrp,zscale=tin=709:pin=709:min=gbr:rin=full'
      const toPq = 't=smpte2084:p=2020:m=2020_ncl:r=limited:npl=203,format=yuv420p10le'
      const grey = (level: number) =>
        `color=c=gray:s=320x240:r=25:d=1,format=yuv420p10le,lutyuv=y=${Math.round(64 + level * 876)}:u=512:v=512`
      const cases: [name: string, transfer: string, source: string, expected: number[]][] = [
        ['pq-brown', 'smpte2084', `${brown}:${toPq}`, [0x80, 0x40, 0x20]],
        // PQ of 203 cd/m² is 0.58 (BT.2408), which must leave room for what is brighter.
        ['pq-white', 'smpte2084', grey(0.58), [211, 211, 211]],
        ['pq-peak', 'smpte2084', grey(0.752), [254, 254, 254]],
        ['hlg-white', 'arib-std-b67', grey(0.75), [191, 191, 191]],
      ]
      for (const [name, transfer, source, expected] of cases) {
        const path = await hdr(name, transfer, source)
        const found = await probe(path)
        assert.equal(found.picture?.hdr, transfer === 'smpte2084' ? 'pq' : 'hlg', name)
        assert.equal(found.picture?.bitDepth, 10, name)
        for (const made of [await decoder.poster(path, found, work), await hls(path, found)]) {
          assertColour(await colourAt(made.path, '100:100:100:100'), expected, 8)
        }
      }
    })
  })

  describe('fast start', () => {
    test('the index comes first, the picture keeps its rotation, and nothing tells the place', async () => {
      const plain = await make('for-place.mp4', ...film('320x240', 1), ...tone(1), ...h264, ...aac)
      // Like a phone: place in the container, a place within the picture, and a track of data.
      const sei = 'h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+SEI+51.5335-000.1261'
      const path = await make(
        'place.mov',
        ...['-display_rotation', '90', '-i', plain, '-c', 'copy', '-bsf:v', sei, '-movflags', 'use_metadata_tags'],
        ...[
          '-metadata',
          'location=+51.5335-000.1261/',
          '-metadata:s:v',
          'handler_name=51.5335',
          '-timecode',
          '01:00:00:00',
        ],
      )
      assert.ok((await readFile(path)).includes('51.5335'))
      const found = await probe(path)
      assert.ok(found.playsEverywhere)
      const made = await decoder.fastStart(path, found, work)
      const bytes = await readFile(made.path)
      assert.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'))
      for (const trace of ['51.5335', 'tmcd', '©xyz']) assert.ok(!bytes.includes(Buffer.from(trace, 'latin1')), trace)
      const again = await probe(made.path)
      assert.equal(again.picture?.rotation, found.picture?.rotation)
      assert.deepEqual([made.width, made.height], [240, 320])
      assert.deepEqual(await decode(made.path, '-frames:v', '5'), await decode(path, '-frames:v', '5'))
    })
  })

  describe('HLS', () => {
    /** Each segment by itself, after the init part, as a player that jumped there has it. */
    async function packetsOf(made: MadeFile) {
      const bytes = await readFile(made.path)
      const { init, segments } = made.detail as HlsVariant
      const head = bytes.subarray(init.offset, init.offset + init.length)
      return Promise.all(
        segments.map(async ([duration, offset, length], index) => {
          const part = join(folder, `part-${index}.mp4`)
          await writeFile(part, Buffer.concat([head, bytes.subarray(offset, offset + length)]))
          const args = ['-loglevel', 'error', '-i', part, '-map', '0:v', '-c', 'copy', '-f', 'framecrc', '-']
          const { stdout } = await promisify(execFile)(ffmpeg.ffmpeg, args)
          const packets = stdout.split('\n').filter((line) => /^\d/.test(line))
          // The muxer adds flags to a packet only when it is no plain keyframe.
          return { duration, frames: packets.length, beginsWithKeyframe: !packets[0]?.includes('F=') }
        }),
      )
    }

    test('segments of four seconds each begin with a keyframe and play by themselves', async () => {
      const path = await make(
        'long.mkv',
        ...film('1280x720', 9),
        ...tone(9),
        '-c:v',
        'libvpx-vp9',
        '-cpu-used',
        '8',
        '-deadline',
        'realtime',
      )
      const found = await probe(path, 'video/x-matroska')
      assert.ok(!found.playsEverywhere)
      const fractions: number[] = []
      const made = await decoder.hls(path, found, 480, work, (fraction) => fractions.push(fraction))
      assert.deepEqual([made.width, made.height], [854, 480])
      const detail = made.detail as HlsVariant
      assert.match(detail.codecs, /^avc1\.6400[0-9a-f]{2},mp4a\.40\.2$/)
      assert.ok(detail.hasAudio && detail.bandwidth >= detail.averageBandwidth && detail.averageBandwidth > 100_000)
      assert.deepEqual(
        (await packetsOf(made)).map(({ duration, ...rest }) => ({ ...rest, seconds: Math.round(duration) })),
        [
          { frames: 100, beginsWithKeyframe: true, seconds: 4 },
          { frames: 100, beginsWithKeyframe: true, seconds: 4 },
          { frames: 25, beginsWithKeyframe: true, seconds: 1 },
        ],
      )
      assert.deepEqual(
        fractions,
        fractions.toSorted((a, b) => a - b),
      )
      assert.ok((fractions.at(-1) ?? 0) > 0.95)
      // The ranges leave nothing of the file out and do not overlap.
      const end = detail.segments.reduce((at, [, offset, length]) => {
        assert.equal(offset, at)
        return offset + length
      }, detail.init.length)
      assert.equal(end, (await readFile(made.path)).length)
      // And a player that follows the playlists gets all of it.
      const { width, height } = made
      const played = join(folder, 'played.m3u8')
      await writeFile(played, mediaPlaylist(detail, 'hls-480.mp4'))
      const master = join(folder, 'master.m3u8')
      await writeFile(
        master,
        masterPlaylist([{ width: width ?? 0, height: height ?? 0, detail }], () => 'played.m3u8'),
      )
      const tiny = await decode(master, '-map', '0:v', '-vf', 'scale=2:2,format=gray')
      assert.equal(tiny.length / 4, 225)
      const sound = await decode(master, '-map', '0:a', '-ar', '8000', '-ac', '1', '-c:a', 'pcm_u8')
      assert.ok(Math.abs(sound.length / 8_000 - 9) < 0.2, `${sound.length / 8_000} seconds of sound`)
    })

    test('frames of a rate that varies are all there, at their times', async () => {
      // Two frames a second, then twenty, as a screen recording has them.
      const path = await make(
        'screen.mp4',
        ...film('321x241', 4, 20),
        ...['-vf', "select='gte(t,2)+not(mod(n,10))',pad=322:242", '-fps_mode', 'vfr', ...h264],
      )
      const found = await probe(path)
      const made = await hls(path, found, 480)
      assert.deepEqual([made.width, made.height], [322, 242])
      assert.equal(
        (await packetsOf(made)).reduce((sum, { frames }) => sum + frames, 0),
        44,
      )
      assert.ok(Math.abs((made.duration ?? 0) - 4) < 0.2)
    })

    test('odd sizes become even, PCM becomes AAC, and nobody learns the place', async () => {
      const path = await make(
        'odd.mov',
        ...film('161x121', 1),
        ...[...tone(1), '-c:v', 'mjpeg', '-c:a', 'pcm_s16le', '-metadata', 'location=+51.5335-000.1261/'],
      )
      const made = await hls(path, await probe(path), 480)
      assert.deepEqual([made.width, made.height], [160, 120])
      assert.ok((made.detail as HlsVariant).codecs.endsWith('mp4a.40.2'))
      assert.ok(!(await readFile(made.path)).includes('51.5335'))
    })

    test('what is ended early ends at once and says whose wish it was', async () => {
      const path = await make('slow.mp4', ...film('1920x1080', 5, 30), ...h264)
      const found = await probe(path)
      const stop = new AbortController()
      const begun = Promise.withResolvers<void>()
      const encoding = decoder.hls(path, found, 1080, { ...work, signal: stop.signal }, () => begun.resolve())
      await Promise.race([begun.promise, encoding])
      stop.abort(new Error('The worker is draining.'))
      await assert.rejects(encoding, /The worker is draining/)
    })
  })
})

function strict(rate: string): string[] {
  return ['-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', '1M']
}
