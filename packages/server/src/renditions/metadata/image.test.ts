import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { brotliCompressSync, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { readImageMetadata } from './index.ts'
import * as files from './testing/files.ts'

const picture = () => sharp({ create: { width: 16, height: 16, channels: 3, background: '#48a' } })
const jpeg = await picture().jpeg().toBuffer()
const png = await picture().png().toBuffer()
const webp = await picture().webp().toBuffer()

const seoul = { latitude: 37.5665, longitude: 126.978 }
const close = (
  location: { latitude: number; longitude: number } | null,
  to: { latitude: number; longitude: number },
) => {
  assert.ok(location !== null, 'no location was read')
  assert.ok(Math.abs(location.latitude - to.latitude) < 1e-6, `latitude is ${location.latitude}`)
  assert.ok(Math.abs(location.longitude - to.longitude) < 1e-6, `longitude is ${location.longitude}`)
}

const ascii = (tag: number, value: string): files.Field => ({ tag, type: 'ascii', value })
const withExif = (parts: Parameters<typeof files.tiff>[0], options?: Parameters<typeof files.tiff>[1]) =>
  files.jpegWith(jpeg, files.exifSegment(files.tiff(parts, options)))
const read = (bytes: Uint8Array) => readImageMetadata(bytes, 'image/jpeg')

const everything = files.tiff({
  image: [ascii(0x010f, 'Apple'), ascii(0x0110, 'iPhone 13 Pro Max')],
  exif: [
    { tag: 0x829a, type: 'rational', value: [1, 60] },
    { tag: 0x829d, type: 'rational', value: [15, 10] },
    { tag: 0x8827, type: 'short', value: [250] },
    ascii(0x9003, '2022:02:16 12:55:41'),
    ascii(0x9011, '+01:00'),
    { tag: 0x920a, type: 'rational', value: [57, 10] },
    ascii(0x9291, '762'),
    { tag: 0xa405, type: 'short', value: [26] },
    ascii(0xa434, 'iPhone 13 Pro Max back triple camera 5.7mm f/1.5'),
  ],
  gps: files.gpsFields(seoul.latitude, seoul.longitude),
})

const exifItem = Buffer.concat([files.uint32(6), Buffer.from('Exif\0\0'), everything])
const containers: Record<string, Buffer> = {
  JPEG: files.jpegWith(jpeg, files.exifSegment(everything)),
  PNG: files.pngWith(png, files.chunk('eXIf', everything)),
  WebP: files.webpWith(webp, ['EXIF', everything]),
  TIFF: everything,
  HEIC: files.heif([{ type: 'Exif', data: exifItem }]),
  'JPEG XL': Buffer.concat([
    files.box('JXL ', '\r\n\x87\n'),
    files.box('ftyp', 'jxl ', files.uint32(0), 'jxl '),
    files.box('Exif', files.uint32(0), everything),
  ]),
  'JPEG XL, compressed': Buffer.concat([
    files.box('JXL ', '\r\n\x87\n'),
    files.box('brob', 'Exif', brotliCompressSync(Buffer.concat([files.uint32(0), everything]))),
  ]),
  'PNG by ImageMagick': files.pngWith(
    png,
    files.chunk(
      'zTXt',
      'Raw profile type exif\0\0',
      deflateSync(`\nexif\n${everything.length}\n${everything.toString('hex')}\n`),
    ),
  ),
}

for (const [name, bytes] of Object.entries(containers)) {
  test(`EXIF is read out of ${name}`, async () => {
    const metadata = await read(bytes)
    assert.equal(metadata.capturedAt?.toISOString(), '2022-02-16T11:55:41.762Z')
    assert.equal(metadata.offset, 60)
    close(metadata.location, seoul)
    assert.equal(metadata.holdsLocation, true)
    assert.equal(metadata.camera, 'Apple iPhone 13 Pro Max')
    assert.equal(metadata.lens, 'iPhone 13 Pro Max back triple camera 5.7mm f/1.5')
    assert.deepEqual(metadata.exposure, {
      exposureTime: 1 / 60,
      fNumber: 1.5,
      iso: 250,
      focalLength: 5.7,
      focalLength35: 26,
    })
  })
}

describe('the moment of a photo', () => {
  const dated = (date: string, more: files.Field[] = [], gps?: files.Field[]) =>
    read(withExif({ exif: [ascii(0x9003, date), ...more], ...(gps && { gps }) }))

  test('without a zone is the clock of the place, read as UTC', async () => {
    const { capturedAt, offset } = await dated('2021:07:01 18:30:00')
    assert.equal(capturedAt?.toISOString(), '2021-07-01T18:30:00.000Z')
    assert.equal(offset, null)
  })

  test('has the zone that lies between its clock and the time of the satellites', async () => {
    const time = (hour: number, minute: number): files.Field[] => [
      { tag: 0x0007, type: 'rational', value: [hour, 1, minute, 1, 41, 1] },
      ascii(0x001d, '2021:07:01'),
    ]
    const nepal = await dated('2021:07:01 18:30:00', [], time(12, 44))
    assert.equal(nepal.offset, 345)
    assert.equal(nepal.capturedAt?.toISOString(), '2021-07-01T12:45:00.000Z')
    const doubtful = await dated('2021:07:01 18:30:00', [], time(12, 37))
    assert.equal(doubtful.offset, null)
  })

  test('has the zone that XMP tells for the same clock', async () => {
    const { capturedAt, offset } = await read(
      files.jpegWith(
        jpeg,
        files.exifSegment(files.tiff({ exif: [ascii(0x9003, '2004:03:20 14:54:55')] })),
        files.xmpSegment(files.xmp('exif:DateTimeOriginal="2004-03-20T14:54:55+02:00"')),
      ),
    )
    assert.equal(offset, 120)
    assert.equal(capturedAt?.toISOString(), '2004-03-20T12:54:55.000Z')
  })

  test('is unknown when it is nonsense', async () => {
    const tomorrow = new Date(Date.now() + 3 * 86_400_000)
      .toISOString()
      .slice(0, 19)
      .replaceAll('-', ':')
      .replace('T', ' ')
    for (const date of [
      '0000:00:00 00:00:00',
      '    :  :     :  :  ',
      '1800:01:01 00:00:00',
      '2021:02:31 10:00:00',
      tomorrow,
      'yesterday',
    ]) {
      assert.equal((await dated(date)).capturedAt, null, date)
    }
  })

  test('falls back to when it was made a file, to XMP, to IPTC, to PNG and to the last change', async () => {
    const moments = {
      CreateDate: withExif({ exif: [ascii(0x9004, '2001:02:03 04:05:06')] }),
      ModifyDate: withExif({ image: [ascii(0x0132, '2001:02:03 04:05:06')] }),
      XMP: files.jpegWith(
        jpeg,
        files.xmpSegment(files.xmp('', '<xmp:CreateDate>2001-02-03T04:05:06</xmp:CreateDate>')),
      ),
      IPTC: files.jpegWith(
        jpeg,
        files.iptcSegment([
          [55, '20010203'],
          [60, '040506'],
        ]),
      ),
      PNG: files.pngWith(png, files.chunk('tEXt', 'Creation Time\x002001:02:03 04:05:06')),
    }
    for (const [source, bytes] of Object.entries(moments)) {
      assert.equal((await read(bytes)).capturedAt?.toISOString(), '2001-02-03T04:05:06.000Z', source)
    }
  })
})

describe('the place of a photo', () => {
  test('has its hemispheres, in either byte order', async () => {
    for (const [latitude, longitude] of [
      [-33.8568, 151.2153],
      [40.6892, -74.0445],
      [-22.9519, -43.2105],
    ] as const) {
      for (const littleEndian of [false, true]) {
        const metadata = await read(withExif({ gps: files.gpsFields(latitude, longitude) }, { littleEndian }))
        close(metadata.location, { latitude, longitude })
      }
    }
  })

  test('is unknown without a fix, and no place is held then', async () => {
    const zero: files.Field[] = [ascii(9, 'V'), ...files.gpsFields(0, 0)]
    const empty = files
      .gpsFields(0, 0)
      .map((field) => (field.type === 'rational' ? { ...field, value: [0, 0, 0, 0, 0, 0] } : field))
    for (const gps of [zero, empty, []]) {
      const metadata = await read(withExif({ gps }))
      assert.equal(metadata.location, null)
      assert.equal(metadata.holdsLocation, false)
    }
  })

  test('is unknown but held when it cannot be made out', async () => {
    const [version, , latitude] = files.gpsFields(48.1, 11.5)
    assert.ok(version && latitude)
    for (const gps of [[latitude], files.gpsFields(91.5, 11.5), files.gpsFields(48.1, 200.1)]) {
      const metadata = await read(withExif({ gps }))
      assert.equal(metadata.location, null)
      assert.equal(metadata.holdsLocation, true)
    }
  })

  test('is read out of XMP, under any prefix', async () => {
    for (const text of [
      files.xmp('exif:GPSLatitude="37,33.99N" exif:GPSLongitude="126,58.68E"'),
      files.xmp('', '<p:GPSLatitude>37.5665</p:GPSLatitude><p:GPSLongitude>126.978</p:GPSLongitude>'),
    ]) {
      const metadata = await read(files.jpegWith(jpeg, files.xmpSegment(text)))
      close(metadata.location, seoul)
    }
  })

  const holders: Record<string, Buffer> = {
    'a city in IPTC': files.jpegWith(jpeg, files.iptcSegment([[90, 'Seoul']])),
    'a city in XMP': files.jpegWith(jpeg, files.xmpSegment(files.xmp('photoshop:City="Seoul"'))),
    'a structure of IPTC in XMP': files.jpegWith(
      jpeg,
      files.xmpSegment(
        files.xmp(
          '',
          '<Iptc4xmpExt:LocationShown><rdf:Bag><rdf:li Iptc4xmpExt:City="Seoul"/></rdf:Bag></Iptc4xmpExt:LocationShown>',
        ),
      ),
    ),
    "a drone's own spelling": files.jpegWith(jpeg, files.xmpSegment(files.xmp('drone-dji:GpsLongtitude="+126.978"'))),
    'a comment': files.jpegWith(jpeg, files.segment(0xfe, 'taken at GPS 37.5665, 126.978')),
    "a maker's own segment": files.jpegWith(jpeg, files.segment(0xe6, 'GoPro\0GPS5....')),
    'a second image': Buffer.concat([jpeg, containers.JPEG ?? Buffer.alloc(0)]),
    'the video of a motion photo': Buffer.concat([
      jpeg,
      files.movie({ boxes: [files.box('udta', files.userText('\xa9xyz', '+37.5665+126.9780/'))] }),
    ]),
    'compressed XMP': files.pngWith(
      png,
      files.chunk('iTXt', 'XML:com.adobe.xmp\0\x01\0\0\0', deflateSync(files.xmp('exif:GPSLatitude="37,33.99N"'))),
    ),
    'compressed text that is a bomb': files.pngWith(
      png,
      files.chunk('zTXt', 'Comment\0\0', deflateSync(Buffer.alloc(3_000_000))),
    ),
  }
  for (const [name, bytes] of Object.entries(holders)) {
    test(`is held by ${name}`, async () => assert.equal((await read(bytes)).holdsLocation, true))
  }

  test('is not held by a plain picture', async () => {
    for (const bytes of [jpeg, png, webp]) assert.equal((await read(bytes)).holdsLocation, false)
  })
})

test('a maker that stands in the model is not told twice', async () => {
  const camera = async (make: string, model: string) =>
    (await read(withExif({ image: [ascii(0x010f, make), ascii(0x0110, model)] }))).camera
  assert.equal(await camera('NIKON CORPORATION', 'NIKON D7100'), 'NIKON D7100')
  assert.equal(await camera('Google', 'Pixel 8'), 'Google Pixel 8')
  assert.equal(await camera('', 'Pixel 8'), 'Pixel 8')
})

test('a lens without a name is told by its focal lengths and f-numbers', async () => {
  const lens = { tag: 0xa432, type: 'rational' as const, value: [18, 1, 200, 1, 35, 10, 63, 10] }
  assert.equal((await read(withExif({ exif: [lens] }))).lens, '18-200mm f/3.5-6.3')
})

test('the photo of a Live Photo tells its identifier', async () => {
  const uuid = '8A2E4F0C-90B1-4D65-A3F4-0123456789AB'
  const note = Buffer.concat([
    Buffer.from('Apple iOS\0\0\x01MM'),
    files.uint16(1, 0x0011, 2),
    files.uint32(uuid.length + 1, 32, 0),
    Buffer.from(`${uuid}\0`),
  ])
  const metadata = await read(withExif({ exif: [{ tag: 0x927c, type: 'undefined', value: note }] }))
  assert.equal(metadata.contentIdentifier, uuid)
})

describe('the video in a motion photo', () => {
  const video = files.movie()
  const directory = (length: number) =>
    files.xmpSegment(
      files.xmp(
        'GCamera:MotionPhoto="1"',
        `<Container:Directory><rdf:Seq><rdf:li><Container:Item Item:Mime="image/jpeg" Item:Semantic="Primary"/></rdf:li><rdf:li><Container:Item Item:Mime="video/mp4" Item:Semantic="MotionPhoto" Item:Length="${length}"/></rdf:li></rdf:Seq></Container:Directory>`,
      ),
    )
  const photos: Record<string, Buffer> = {
    'by the directory of a Motion Photo': Buffer.concat([files.jpegWith(jpeg, directory(video.length)), video]),
    'by the offset of a MicroVideo': Buffer.concat([
      files.jpegWith(jpeg, files.xmpSegment(files.xmp(`GCamera:MicroVideoOffset="${video.length}"`))),
      video,
    ]),
    'although the directory is wrong': Buffer.concat([files.jpegWith(jpeg, directory(video.length + 7)), video]),
    "in Samsung's trailer": Buffer.concat([jpeg, files.samsungTrailer('MotionPhoto_Data', video)]),
    'in the box of a HEIC': files.heif([{ type: 'Exif', data: exifItem }], files.box('mpvd', video)),
  }
  for (const [name, bytes] of Object.entries(photos)) {
    test(`is found ${name}`, async () => {
      assert.deepEqual((await read(bytes)).motion, { start: bytes.indexOf(video), length: video.length })
    })
  }

  test('is the one that the directory names, of several', async () => {
    const bytes = Buffer.concat([files.jpegWith(jpeg, directory(video.length)), video, video])
    assert.deepEqual((await read(bytes)).motion, { start: bytes.length - video.length, length: video.length })
  })

  test('is nowhere when the bytes there are no video', async () => {
    assert.equal((await read(Buffer.concat([files.jpegWith(jpeg, directory(60)), Buffer.alloc(60, 7)]))).motion, null)
  })
})
