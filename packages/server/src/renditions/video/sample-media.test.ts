/** Real files of cameras and phones, where they are at hand. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { describeSamples, sampleMedia, sampleNames } from '../image/testing/sample-media.ts'
import { CannotDecode } from '../media.ts'
import { variantHeights } from './index.ts'
import { openVideoBench } from './testing/videos.ts'

const bench = await openVideoBench()
after(() => bench?.close())
const skip = bench === null ? 'npm brings no ffmpeg for this platform' : false

/** How those end that are not shown. */
const refusals: Record<string, string> = {
  'video/audio_only.mp4': 'undecodable',
  'video/vvc_unsupported.mp4': 'unsupported',
  'hostile/hls_ssrf.mp4': 'undecodable',
  'hostile/hls_concat_lfi.avi': 'undecodable',
  'hostile/sdp.mp4': 'undecodable',
  'hostile/mp4_stts_4g_entries.mp4': 'undecodable',
  'hostile/trunc_no_moov.mp4': 'undecodable',
  'hostile/zero_bytes.mov': 'undecodable',
}

/** Converting these would take longer than the rest of the suite. */
const onlyPoster = new Set(
  ['av1_4k_6min.mp4', 'derived_4k_hevc_rot90.mov', 'phone_4k60_h264_rot90.mp4'].map((name) => `video/${name}`),
)

describeSamples('videos of real cameras', { skip }, () => {
  if (bench === null || skip !== false) return
  const { decoder, work, folder, decode } = bench

  async function open(name: string): Promise<string> {
    const path = join(folder, name.replace('/', '-'))
    await writeFile(path, sampleMedia(name))
    return path
  }

  async function outcomeOf(name: string): Promise<string> {
    const type = name.endsWith('.webm') ? 'video/webm' : name.endsWith('.avi') ? 'video/vnd.avi' : 'video/mp4'
    try {
      const path = await open(name)
      const probe = await decoder.probe(path, type, work.signal)
      const poster = await decoder.poster(path, probe, work)
      assert.ok(Math.max(poster.width ?? 0, poster.height ?? 0) <= 2_560)
      if (onlyPoster.has(name)) return 'shown'
      if (probe.playsEverywhere) await decoder.fastStart(path, probe, work)
      else {
        const [height = 480] = (probe.picture === null ? [] : variantHeights(probe.picture)).toSorted((a, b) => a - b)
        await decoder.hls(path, probe, height, work, () => undefined)
      }
      return 'shown'
    } catch (error) {
      if (error instanceof CannotDecode) return error.reason
      throw error
    }
  }

  test('each is shown, or refused for a reason', { timeout: 300_000 }, async () => {
    const names = ['video', 'hostile']
      .flatMap((subfolder) => sampleNames(subfolder).map((name) => `${subfolder}/${name}`))
      .filter((name) => /\.(mp4|mov|avi|webm)$/.test(name))
    for (const name of names) assert.equal(await outcomeOf(name), refusals[name] ?? 'shown', name)
  })

  test('the colours of a chart filmed in HLG are near to what is printed on it', async () => {
    const path = await open('video/hlg10_hevc_gps.mp4')
    const { path: poster } = await decoder.poster(path, await decoder.probe(path, 'video/mp4', work.signal), work)
    const pixels = await decode(poster, '-vf', 'scale=640:360:flags=area,format=rgb24')
    const filmed = chart.map((_, index) => {
      const [x, y] = [98 + (index % 6) * 82, 44 + Math.floor(index / 6) * 82]
      return [...pixels.subarray((y * 640 + x) * 3, (y * 640 + x) * 3 + 3)]
    })
    // The scene was lit brighter than the chart's table assumes, as the greys tell.
    const light = luminance(chart[20] ?? []) / luminance(filmed[20] ?? [])
    const distances = chart.map((printed, index) => {
      const [a, b] = [chroma(printed, 1), chroma(filmed[index] ?? [], light)]
      return Math.hypot(a[0] - b[0], a[1] - b[1])
    })
    const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length
    assert.ok(mean < 10, `the mean distance in CIELAB's a*b* is ${mean.toFixed(1)}`)
  })
})

/** sRGB of the 24 fields of a ColorChecker, by its maker. */
const chart: number[][] = (
  '735244 c29682 627a9d 576c43 8580b1 67bdaa d67e2c 505ba6 c15a63 5e3c6c 9dbc40 e0a32e ' +
  '383d96 469449 af363c e7c71f bb5695 0885a1 f3f3f2 c8c8c8 a0a0a0 7a7a79 555555 343434'
)
  .split(' ')
  .map((field) => [...Buffer.from(field, 'hex')])

/** IEC 61966-2-1. */
const linear = (value = 0) => {
  const part = value / 255
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
}

function xyz(colour: number[], light: number): [number, number, number] {
  const [r, g, b] = [colour[0], colour[1], colour[2]].map((value) => linear(value) * light)
  const [red, green, blue] = [r ?? 0, g ?? 0, b ?? 0]
  return [
    (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
    0.2126 * red + 0.7152 * green + 0.0722 * blue,
    (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
  ]
}

const luminance = (colour: number[]) => xyz(colour, 1)[1]

/** a* and b* of CIELAB (ISO/CIE 11664-4). */
function chroma(colour: number[], light: number): [number, number] {
  const f = (part: number) => (part > 0.008856 ? Math.cbrt(part) : 7.787 * part + 16 / 116)
  const [x, y, z] = xyz(colour, light)
  return [500 * (f(x) - f(y)), 200 * (f(y) - f(z))]
}
