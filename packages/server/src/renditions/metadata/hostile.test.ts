/** Whatever the bytes are, reading ends soon, throws nothing and answers in the shape it promises. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import sharp from 'sharp'
import type { MediaMetadata } from '../media.ts'
import {
  readImageMetadata,
  readVideoMetadata,
  removeImageLocation,
  type Source,
  videoLocationRemoval,
} from './index.ts'
import * as files from './testing/files.ts'

const jpeg = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#48a' } })
  .jpeg()
  .toBuffer()
const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#48a' } })
  .png()
  .toBuffer()
const webp = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#48a' } })
  .webp()
  .toBuffer()
const exif = files.tiff({
  image: [{ tag: 0x010f, type: 'ascii', value: 'Apple' }],
  exif: [
    { tag: 0x9003, type: 'ascii', value: '2021:07:01 18:30:00' },
    {
      tag: 0x927c,
      type: 'undefined',
      value: Buffer.from('Apple iOS\0\0\x01MM\0\x01\0\x11\0\x02\0\0\0\x25\0\0\0\x20', 'latin1'),
    },
  ],
  gps: files.gpsFields(37.5665, 126.978),
})
const text = files.xmp(
  'exif:GPSLatitude="37,33.99N" GCamera:MicroVideoOffset="99"',
  '<xmp:CreateDate>2021-07-01</xmp:CreateDate>',
)
const video = files.movie({
  created: 3_700_000_000,
  boxes: [
    files.box('udta', files.userText('\xa9xyz', '+37.5665+126.9780/')),
    files.keyed({ 'com.apple.quicktime.location.ISO6709': '+37.5665+126.9780/' }),
    files.track('meta', 'mebx'),
  ],
})

const images = [
  Buffer.concat([
    files.jpegWith(
      jpeg,
      files.exifSegment(exif),
      files.xmpSegment(text),
      files.iptcSegment([
        [90, 'Seoul'],
        [55, '20210701'],
      ]),
    ),
    files.samsungTrailer('MotionPhoto_Data', video),
  ]),
  files.pngWith(png, files.chunk('eXIf', exif), files.chunk('iTXt', 'XML:com.adobe.xmp\0\0\0\0\0', text)),
  files.webpWith(webp, ['EXIF', exif], ['XMP ', Buffer.from(text)]),
  exif,
  files.heif(
    [
      { type: 'Exif', data: Buffer.concat([files.uint32(0), exif]) },
      { type: 'mime', contentType: 'application/rdf+xml', data: Buffer.from(text) },
    ],
    files.box('mpvd', video),
  ),
  Buffer.concat([
    files.box('JXL ', '\r\n\x87\n'),
    files.box('Exif', files.uint32(0), exif),
    files.box('brob', 'xml ', Buffer.from(text)),
  ]),
  Buffer.concat([
    Buffer.from('GIF89a\x08\0\x08\0\0\0\0!\xff\x0bXMP DataXMP', 'latin1'),
    Buffer.from(text),
    Buffer.from('\x01\xff\xfe', 'latin1'),
  ]),
]
const matroska = Buffer.from(
  '1a45dfa38342820018538067a01549a966864461830102031254c367907373 8d67c88a45a3814c44878 42b31'.replaceAll(' ', ''),
  'hex',
)

const damage = fc.record({
  spots: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 24 }),
  /** Where a file breaks off, in thousandths of it. */
  length: fc.oneof(fc.constant(1000), fc.integer({ min: 0, max: 1000 })),
  /** A stretch that comes once more, which moves all that is behind. */
  again: fc.option(fc.tuple(fc.nat({ max: 1000 }), fc.nat({ max: 200 }))),
})

function damaged(
  bytes: Buffer,
  { spots, length, again }: { spots: [number, number][]; length: number; again: [number, number] | null },
): Buffer {
  const copy = Buffer.from(bytes)
  for (const [at, value] of spots) copy[at % copy.length] = value
  const at = again === null ? 0 : Math.floor((copy.length * again[0]) / 1000)
  const whole =
    again === null ? copy : Buffer.concat([copy.subarray(0, at), copy.subarray(at, at + again[1]), copy.subarray(at)])
  return whole.subarray(0, Math.ceil((whole.length * length) / 1000))
}

function sourceOf(bytes: Uint8Array): Source {
  return { size: bytes.length, read: async (start, end) => bytes.subarray(start, end) }
}

/** Time of this process, which other load on the machine does not lengthen as it does time of day. */
async function within<Result>(milliseconds: number, work: () => Promise<Result>): Promise<Result> {
  const before = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(before)
  assert.ok((user + system) / 1000 < milliseconds, `took ${(user + system) / 1000} ms`)
  return result
}

function assertSound(
  { capturedAt, offset, location, holdsLocation, camera, lens, exposure, motion }: MediaMetadata,
  size: number,
): void {
  if (capturedAt !== null)
    assert.ok(capturedAt.getUTCFullYear() >= 1825 && capturedAt.getTime() < Date.now() + 2 * 86_400_000)
  if (offset !== null) assert.ok(Number.isInteger(offset) && Math.abs(offset) <= 840 && capturedAt !== null)
  if (location !== null) {
    assert.ok(Math.abs(location.latitude) <= 90 && Math.abs(location.longitude) <= 180)
    assert.equal(holdsLocation, true)
  }
  for (const name of [camera, lens]) assert.ok(name === null || (name.length > 0 && name.length <= 402))
  for (const value of Object.values(exposure ?? {})) assert.ok(value === null || (Number.isFinite(value) && value > 0))
  if (motion !== null) assert.ok(motion.start > 0 && motion.length > 0 && motion.start + motion.length <= size)
}

describe('damaged files', () => {
  test('of every image format are read to the end, and copies of them tell no place', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...images), damage, async (image, how) => {
        const bytes = damaged(image, how)
        const before = Buffer.from(bytes)
        const copy = await within(1000, async () => {
          assertSound(await readImageMetadata(bytes, 'image/jpeg'), bytes.length)
          return removeImageLocation(bytes, 'image/jpeg')
        })
        assert.deepEqual(bytes, before, 'the original was changed')
        if (copy === null) return
        assert.equal(copy.length, bytes.length)
        const after = await readImageMetadata(copy, 'image/jpeg')
        assert.equal(after.location, null)
        assert.equal(after.holdsLocation, false)
      }),
      { numRuns: 1500 },
    )
  })

  test('of every video format are read to the end, and patches stay in the file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(video, matroska), damage, async (film, how) => {
        const bytes = damaged(film, how)
        await within(1000, async () => {
          assertSound(await readVideoMetadata(sourceOf(bytes), 'video/mp4'), bytes.length)
          const removal = await videoLocationRemoval(sourceOf(bytes))
          let covered = 0
          for (const patch of 'patches' in removal ? removal.patches : []) {
            assert.ok(patch.offset >= covered)
            covered = patch.offset + patch.bytes.length
          }
          assert.ok(covered <= bytes.length)
        })
      }),
      { numRuns: 700 },
    )
  })
})

describe('files made to keep a reader busy', () => {
  const many = (count: number, piece: Buffer | string) =>
    Buffer.concat(Array.from({ length: count }, () => Buffer.from(piece)))
  const loop = Buffer.from(exif)
  // The directory of GPS is said to be the first one.
  loop.writeUInt32BE(8, loop.indexOf(Buffer.from([0x88, 0x25])) + 8)
  const crowd = Buffer.concat([
    Buffer.from('MM\0\x2a\0\0\0\x08\xff\xff', 'latin1'),
    many(65_535, Buffer.from('014a0004000000ff00000008', 'hex')),
  ])
  const busy: Record<string, Buffer> = {
    'a directory that contains itself': loop,
    'a directory of 65,535 directories': crowd,
    'half a million empty segments': Buffer.concat([
      jpeg.subarray(0, 2),
      many(500_000, Buffer.from([0xff, 0xe1, 0, 2])),
    ]),
    'two million restarts': Buffer.concat([jpeg.subarray(0, -2), many(2_000_000, Buffer.from([0xff, 0]))]),
    'a hundred thousand images': Buffer.concat([jpeg, many(100_000, Buffer.from([0xff, 0xd8, 0xff, 0xd9]))]),
    'a hundred thousand videos': Buffer.concat([jpeg, many(100_000, files.box('ftyp'))]),
    'XML of a million levels': files.pngWith(
      png,
      files.chunk('iTXt', 'XML:com.adobe.xmp\0\0\0\0\0', many(1_000_000, '<a>')),
    ),
    'an attribute without end': files.pngWith(
      png,
      files.chunk('iTXt', 'XML:com.adobe.xmp\0\0\0\0\0', many(500_000, '<a b="')),
    ),
    'comments without end': files.pngWith(
      png,
      files.chunk('iTXt', 'XML:com.adobe.xmp\0\0\0\0\0', many(500_000, '<!-')),
    ),
    'a hundred thousand chunks of text': files.pngWith(png, many(100_000, files.chunk('tEXt', 'a\0GPS'))),
    'boxes in boxes': files.heif([], many(200_000, files.box('uuid'))),
    'a thousand items that are all the same megabytes': files.heif(
      Array.from({ length: 1000 }, (_, index) => ({
        type: 'mime',
        contentType: 'text/plain',
        data: Buffer.alloc(index === 0 ? 3_000_000 : 0, 'Lat '),
      })),
    ),
    'a million items': files.heif([{ type: 'Exif', data: Buffer.alloc(0) }], Buffer.alloc(4_000_000, 0xff)),
  }
  for (const [name, bytes] of Object.entries(busy)) {
    test(name, async () => {
      await within(1500, async () => {
        assertSound(await readImageMetadata(bytes, 'image/jpeg'), bytes.length)
        await removeImageLocation(bytes, 'image/jpeg')
      })
    })
  }

  test('a video with a table that is larger than memory is not read into it', async () => {
    const head = Buffer.concat([
      files.box('ftyp', 'isom'),
      files.uint32(1),
      Buffer.from('moov'),
      files.uint32(0x100, 0),
    ])
    let largest = 0
    const endless: Source = {
      size: 0x100_0000_0000 + head.length - 16,
      async read(start, end) {
        largest = Math.max(largest, end - start)
        return Buffer.concat([head.subarray(start), Buffer.alloc(16)]).subarray(0, end - start)
      },
    }
    assert.equal((await readVideoMetadata(endless, 'video/mp4')).holdsLocation, true)
    assert.deepEqual(await videoLocationRemoval(endless), { remux: true })
    assert.ok(largest <= 64)
  })
})
