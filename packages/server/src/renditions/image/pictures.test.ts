/** What is made of pictures, through the decoder as it runs: in its sandbox. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { thumbHashToApproximateAspectRatio } from 'thumbhash'
import { createSandbox } from '../../engines/sandbox/sandbox.ts'
import { CannotDecode } from '../media.ts'
import { createImageDecoder, type ImageDecoder } from './index.ts'
import { distance, drawQuarters, everySize, gridOf, madeOf, sourceOf } from './testing/pictures.ts'
import { createUnconfinedSandbox } from './testing/unconfined.ts'

let decoder: ImageDecoder
before(async () => {
  decoder = createImageDecoder({ sandbox: await createSandbox(), processes: 1 })
})
after(() => decoder.close())

const decode = (bytes: Uint8Array, contentType?: string) => decoder.decode(sourceOf(bytes, contentType), everySize)

/** The colours in the middles of the four quarters, as it is shown on white. */
async function quartersOf(image: Uint8Array): Promise<number[][]> {
  const grid = await gridOf(image)
  return [0, 3, 12, 15].map((cell) => grid.slice(cell * 3, cell * 3 + 3).map(Math.round))
}

const expected = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 0],
]

function assertQuarters(found: number[][], tolerance: number, what: string): void {
  assert.ok(distance(found.flat(), expected.flat()) <= tolerance, `${what}: ${JSON.stringify(found)}`)
}

test('a photo becomes WebP in every size, each as large as it says', async () => {
  const decoded = await decode(await drawQuarters(3000, 2000).jpeg().toBuffer())
  assert.deepEqual([decoded.width, decoded.height, decoded.animated], [3000, 2000, false])
  assert.deepEqual(decoded.images.map(({ name, width, height }) => `${name} ${width}x${height}`).toSorted(), [
    'large 2560x1707',
    'preview 1440x960',
    'small 720x480',
    'thumb 320x213',
  ])
  for (const image of decoded.images) {
    const { format, width, height } = await sharp(image.bytes).metadata()
    assert.deepEqual([format, width, height], ['webp', image.width, image.height])
    assertQuarters(await quartersOf(image.bytes), 12, image.name)
  }
  assert.ok(Math.abs(thumbHashToApproximateAspectRatio(decoded.thumbhash) - 1.5) < 0.2)
})

test('AVIF is made beside WebP or instead, under names of its own', async () => {
  const bytes = await drawQuarters(600, 400).jpeg().toBuffer()
  const wanted = { ...everySize, sizes: ['thumb', 'small'] as const }
  const decoded = await decoder.decode(sourceOf(bytes), { ...wanted, sizes: [...wanted.sizes], formats: ['avif'] })
  assert.deepEqual(decoded.images.map(({ name }) => name).toSorted(), ['small-avif', 'thumb-avif'])
  assert.equal((await sharp(madeOf(decoded, 'small-avif')).metadata()).compression, 'av1')
})

test('all eight orientations show the same picture', async () => {
  const upright = await drawQuarters(900, 600).png().toBuffer()
  // How a camera stores what Exif then tells to turn back.
  const stored = [
    sharp(upright),
    sharp(upright).flop(),
    sharp(upright).rotate(180),
    sharp(upright).flip(),
    sharp(await sharp(upright).rotate(90).toBuffer()).flop(),
    sharp(upright).rotate(270),
    sharp(await sharp(upright).rotate(270).toBuffer()).flop(),
    sharp(upright).rotate(90),
  ]
  for (const [index, image] of stored.entries()) {
    const orientation = index + 1
    const decoded = await decode(await image.jpeg({ quality: 95 }).withMetadata({ orientation }).toBuffer())
    assert.deepEqual([decoded.width, decoded.height], [900, 600])
    assertQuarters(await quartersOf(madeOf(decoded, 'small')), 12, `orientation ${orientation}`)
  }
})

test('every format that people upload is shown', async () => {
  const picture = await drawQuarters(400, 300).png().toBuffer()
  const files = {
    png: await sharp(picture).png({ palette: true }).toBuffer(),
    png16: await sharp(picture).toColourspace('rgb16').png().toBuffer(),
    webp: await sharp(picture).webp({ quality: 95 }).toBuffer(),
    gif: await sharp(picture).gif().toBuffer(),
    tiff: await sharp(picture).tiff({ compression: 'lzw' }).toBuffer(),
    avif: await sharp(picture).avif({ quality: 90, effort: 0 }).toBuffer(),
    avif10: await sharp(picture).avif({ quality: 90, effort: 0, bitdepth: 10 }).toBuffer(),
    svg: Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><rect width="200" height="150" fill="#f00"/><rect x="200" width="200" height="150" fill="#0f0"/><rect y="150" width="200" height="150" fill="#00f"/><rect x="200" y="150" width="200" height="150" fill="#ff0"/></svg>',
    ),
  }
  for (const [name, bytes] of Object.entries(files)) {
    const decoded = await decode(bytes, 'image/jpeg')
    assert.deepEqual([decoded.width, decoded.height], [400, 300], name)
    assertQuarters(await quartersOf(madeOf(decoded, 'small')), 16, name)
  }
})

test('wide and print colours are converted to sRGB, not relabelled', async () => {
  const muted = sharp({ create: { width: 400, height: 300, channels: 3, background: { r: 160, g: 100, b: 80 } } })
  const files = {
    p3: await muted.clone().withIccProfile('p3').jpeg({ quality: 98 }).toBuffer(),
    'p3 in png': await muted.clone().withIccProfile('p3').png().toBuffer(),
    'p3 in avif': await muted.clone().withIccProfile('p3').avif({ quality: 95, effort: 0 }).toBuffer(),
    'srgb profile': await muted.clone().withIccProfile('srgb').jpeg({ quality: 98 }).toBuffer(),
    cmyk: await muted.clone().toColourspace('cmyk').withIccProfile('cmyk').jpeg({ quality: 98 }).toBuffer(),
  }
  // The numbers within are others: the profile makes the difference.
  const numbers = await sharp(files.p3, { ignoreIcc: true }).raw().toBuffer()
  assert.ok(Math.abs((numbers[0] ?? 0) - 160) > 5)
  for (const [name, bytes] of Object.entries(files)) {
    const [r, g, b] = await gridOf(madeOf(await decode(bytes), 'small'))
    assert.ok(
      distance([r ?? 0, g ?? 0, b ?? 0], [160, 100, 80]) <= (name === 'cmyk' ? 20 : 4),
      `${name} ${r} ${g} ${b}`,
    )
  }
})

test('grey stays grey, and what is transparent stays so', async () => {
  const grey = await sharp({ create: { width: 50, height: 40, channels: 3, background: '#777777' } })
    .toColourspace('b-w')
    .png()
    .toBuffer()
  assert.ok(distance(await gridOf(madeOf(await decode(grey), 'thumb')), new Array(48).fill(0x77)) <= 2)

  const clear = { r: 255, g: 0, b: 0, alpha: 0 }
  const transparent = await sharp({ create: { width: 50, height: 40, channels: 4, background: clear } })
    .png()
    .toBuffer()
  const thumb = await sharp(madeOf(await decode(transparent), 'thumb')).metadata()
  assert.equal(thumb.hasAlpha, true)
})

test('what moves has a still, and is known to move', async () => {
  const frames = await Promise.all(
    ['#ff0000', '#0000ff'].map((background) =>
      sharp({ create: { width: 64, height: 48, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  )
  for (const format of ['gif', 'webp'] as const) {
    const moving = await sharp(frames, { join: { animated: true } })
      .toFormat(format)
      .toBuffer()
    const decoded = await decode(moving)
    assert.deepEqual([decoded.width, decoded.height, decoded.animated], [64, 48, true], format)
    assert.equal((await sharp(madeOf(decoded, 'thumb')).metadata()).pages ?? 1, 1)
    const [r, , b] = await gridOf(madeOf(decoded, 'thumb'))
    assert.ok((r ?? 0) > 240 && (b ?? 0) < 16, format)
  }
})

test('lines and dots are shown, never with nothing', async () => {
  for (const [width, height] of [
    [1, 65_000],
    [65_000, 1],
    [1, 1],
  ] as const) {
    const bytes = await sharp({ create: { width, height, channels: 3, background: '#abcdef' } })
      .png()
      .toBuffer()
    for (const image of (await decode(bytes)).images) {
      const made = await sharp(image.bytes).metadata()
      assert.deepEqual([made.width, made.height], [image.width, image.height])
      assert.ok(image.width >= 1 && image.height >= 1)
    }
  }
})

test('half a photo is shown, and none of one is refused', async () => {
  const noise = await sharp({
    create: {
      width: 1200,
      height: 900,
      channels: 3,
      background: '#888',
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    },
  })
    .jpeg()
    .toBuffer()
  const half = await decode(noise.subarray(0, noise.length / 2))
  assert.deepEqual([half.width, half.height], [1200, 900])
  const firstScan = noise.indexOf(Buffer.from([0xff, 0xda]))
  await assert.rejects(decode(noise.subarray(0, firstScan + 14)), { name: 'CannotDecodeImage', reason: 'undecodable' })
})

test('no rendition says where or with what it was taken', async () => {
  const located = await drawQuarters(800, 600)
    .jpeg()
    .withExif({
      IFD0: { Make: 'Secretcam', Artist: 'Someone' },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1', GPSLongitudeRef: 'W', GPSLongitude: '0/1 7/1 0/1' },
    })
    .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/">Secretcam</x:xmpmeta>')
    .toBuffer()
  const wanted = { ...everySize, formats: ['webp', 'avif'] as ('webp' | 'avif')[], metadata: true }
  const decoded = await decoder.decode(sourceOf(located), wanted)
  assert.equal(decoded.metadata?.camera, 'Secretcam')
  assert.equal(decoded.metadata?.holdsLocation, true)
  assert.equal(decoded.images.length, 6)
  for (const { name, bytes } of decoded.images) {
    const made = await sharp(bytes).metadata()
    assert.deepEqual([made.exif, made.xmp, made.iptc, made.icc], [undefined, undefined, undefined, undefined], name)
    assert.ok(!Buffer.from(bytes).includes('Secretcam'), name)
  }
})

test('the preview in a RAW file is shown as the RAW says it is turned, and never its thumbnail', async () => {
  const preview = await drawQuarters(1200, 800).jpeg().toBuffer()
  const thumbnail = await drawQuarters(160, 120).jpeg().toBuffer()
  const decoded = await decode(drawRaw([thumbnail, preview], 6), 'image/x-adobe-dng')
  assert.deepEqual([decoded.width, decoded.height], [800, 1200])
  const [topLeft, topRight] = await quartersOf(madeOf(decoded, 'small'))
  assert.ok(distance(topLeft ?? [], [0, 0, 255]) <= 12, 'blue comes to the upper left by a quarter turn to the right')
  assert.ok(distance(topRight ?? [], [255, 0, 0]) <= 12)

  await assert.rejects(decode(drawRaw([thumbnail], 1), 'image/x-adobe-dng'), { reason: 'unsupported' })
  await assert.rejects(decode(drawRaw([preview.subarray(0, preview.length - 200)], 1)), { reason: 'unsupported' })
})

/** A DNG of one directory, whose pictures lie behind it. */
function drawRaw(pictures: Buffer[], orientation: number): Buffer {
  const head = Buffer.alloc(8 + 2 + 2 * 12 + 4)
  head.write('II*\0', 'latin1')
  head.writeUInt32LE(8, 4)
  head.writeUInt16LE(2, 8)
  for (const [index, [tag, type, count, value]] of [
    [274, 3, 1, orientation],
    [50_706, 1, 4, 0x0401],
  ].entries()) {
    const at = 10 + index * 12
    head.writeUInt16LE(tag ?? 0, at)
    head.writeUInt16LE(type ?? 0, at + 2)
    head.writeUInt32LE(count ?? 0, at + 4)
    head.writeUInt32LE(value ?? 0, at + 8)
  }
  return Buffer.concat([head, ...pictures])
}

test('what is no picture, or too large a one, is refused in a word', async () => {
  const bomb = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#000' } })
    .png()
    .toBuffer()
  // The size in IHDR, and its checksum (PNG, 11.2.2).
  bomb.writeUInt32BE(30_000, 16)
  bomb.writeUInt32BE(30_000, 20)
  bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29)
  const cases: [Uint8Array, CannotDecode['reason']][] = [
    [Buffer.from('<html><script>alert(1)</script></html>'), 'undecodable'],
    [Buffer.from('push graphic-context\nviewbox 0 0 640 480\n'), 'undecodable'],
    [Buffer.alloc(0), 'undecodable'],
    [Buffer.from([0xff, 0xd8, 0xff]), 'undecodable'],
    [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="200000" height="200000"/>'), 'too-large'],
    [bomb, 'too-large'],
  ]
  for (const [bytes, reason] of cases) {
    await assert.rejects(decode(bytes), (error) => error instanceof CannotDecode && error.reason === reason, reason)
  }
})

/** AVIF whose numbers mean other colours than its profile said (ISO/IEC 14496-12, `colr` of type `nclx` for `rICC`). */
function withCodePoints(avif: Buffer, primaries: number, transfer: number): Buffer {
  const at = avif.indexOf('colrrICC')
  assert.notEqual(at, -1)
  const changed = Buffer.from(avif)
  changed.write('nclx', at + 4, 'latin1')
  changed.writeUInt16BE(primaries, at + 8)
  changed.writeUInt16BE(transfer, at + 10)
  // BT.601's matrix, full range.
  changed.writeUInt16BE(6, at + 12)
  changed[at + 14] = 0x80
  return changed
}

test('light that only bright screens can show is brought into sRGB', async () => {
  const grey = (level: number) =>
    sharp({ create: { width: 64, height: 64, channels: 3, background: { r: level, g: level, b: level } } })
      .withIccProfile('p3')
      .avif({ quality: 95, effort: 0 })
      .toBuffer()
  const shownAs = async (level: number, primaries: number, transfer: number) =>
    (await gridOf(madeOf(await decode(withCodePoints(await grey(level), primaries, transfer)), 'thumb')))[0] ?? 0
  const [bt2020, pq, hlg] = [9, 16, 18]
  // BT.2408: a grey card is at 38% in both, 26 nits where white has 203, which sRGB writes as 101. Diffuse white, at 58%
  // and 75%, leaves room for what is brighter.
  for (const [transfer, greyLevel, whiteLevel] of [
    [pq, 97, 148],
    [hlg, 97, 191],
  ] as const) {
    const [middle, white, top] = await Promise.all(
      [greyLevel, whiteLevel, 255].map((level) => shownAs(level, bt2020, transfer)),
    )
    assert.ok(Math.abs((middle ?? 0) - 101) < 8, `${transfer}: grey as ${middle}`)
    assert.ok((white ?? 0) > 205 && (white ?? 0) < 250, `${transfer}: white as ${white}`)
    assert.equal(top, 255)
    assert.equal(await shownAs(0, bt2020, transfer), 0)
  }
})

test('an SVG reads no file and asks no server, even without a sandbox', async () => {
  const server = createServer((_request, response) => {
    asked += 1
    response.end()
  })
  let asked = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const folder = await mkdtemp(join(tmpdir(), 'canary-'))
  const loose = createImageDecoder({ sandbox: createUnconfinedSandbox(), processes: 1 })
  try {
    const canary = join(folder, 'canary.png')
    await sharp({ create: { width: 100, height: 100, channels: 3, background: '#ff0000' } }).toFile(canary)
    const { port } = server.address() as AddressInfo
    const images = [canary, `file://${canary}`, `http://127.0.0.1:${port}/a.png`].map(
      (href) =>
        `<image width="100" height="100" href="${href}"/><image width="100" height="100" xlink:href="${href}"/>`,
    )
    const style = `<style>@import url(http://127.0.0.1:${port}/a.css);</style>`
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="100" height="100">${style}<rect width="100" height="100" fill="#0f0"/>${images.join('')}</svg>`
    const decoded = await loose.decode(sourceOf(Buffer.from(svg)), everySize)
    const [r = 0, g = 0] = await gridOf(madeOf(decoded, 'thumb'))
    assert.ok(r < 10 && g > 240, `${r} ${g}`)
    assert.equal(asked, 0)
  } finally {
    await loose.close()
    server.close()
    await rm(folder, { recursive: true })
  }
})
