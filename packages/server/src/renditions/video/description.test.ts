import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDescription } from './description.ts'

test('streams are read as ffmpeg 7 prints them', () => {
  const { duration, streams } = readDescription(`Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/a.mov':
  Metadata:
    comment         : Stream #0:9: Video: h264, yuv420p, 1x1
                    :   Stream #0:8: Video: h264, yuv420p, 1x1
  Duration: 01:02:03.50, start: 0.000000, bitrate: 10289 kb/s
  Stream #0:0[0x1](und): Video: hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(tv, bt2020nc/bt2020/arib-std-b67), 1920x1080 [SAR 1:1 DAR 16:9], 8413 kb/s, 28.03 fps, 29.97 tbr, 600 tbn (default)
      Metadata:
        handler_name    : displaymatrix: rotation of 90.00 degrees
      Side data:
        displaymatrix: rotation of -90.00 degrees
  Stream #0:1[0x2]: Audio: mp3 (mp3float) (.mp3 / 0x33706D2E), 44100 Hz, stereo, fltp, 140 kb/s
  Stream #0:2[0x3](und): Data: none (mebx / 0x7862656D), 0 kb/s (default)
  Stream #0:3: Video: mjpeg (Baseline), yuvj420p(pc), 10x10, 90k tbr, 90k tbn (attached pic)
Output #0, null, to 'pipe:':
  Stream #0:4: Video: h264
`)
  assert.equal(duration, 3723.5)
  assert.deepEqual(
    streams.map(({ index, kind, codec, tag, profile, isDefault, isAttachedPicture }) => [
      index,
      kind,
      codec,
      tag,
      profile,
      isDefault,
      isAttachedPicture,
    ]),
    [
      [0, 'video', 'hevc', 'hvc1', 'Main 10', true, false],
      [1, 'audio', 'mp3', '.mp3', null, false, false],
      [2, 'other', 'none', 'mebx', null, true, false],
      [3, 'video', 'mjpeg', null, 'Baseline', false, true],
    ],
  )
  assert.equal(streams[0]?.fields[0], 'yuv420p10le(tv, bt2020nc/bt2020/arib-std-b67)')
  assert.deepEqual(streams[0]?.sideData, ['displaymatrix: rotation of -90.00 degrees'])
})

test('a file that does not tell its duration has none', () => {
  assert.equal(readDescription('  Duration: N/A, start: 0.000000, bitrate: N/A\n').duration, null)
})
