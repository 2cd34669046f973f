import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { brotliCompressSync, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { readImageMetadata, removeImageLocation } from './index.ts'
import * as files from './testing/files.ts'

const picture = () => sharp({ create: { width: 32, height: 24, channels: 3, background: '#48a' } })
const jpeg = await picture().jpeg().withIccProfile('p3').toBuffer()
const png = await picture().png().toBuffer()
const webp = await picture().webp().toBuffer()

const ascii = (tag: number, value: string): files.Field => ({ tag, type: 'ascii', value })
const gps = files.gpsFields(37.566512, 126.978034)
const coordinates = gps
  .filter(({ type }) => type === 'rational')
  .map((field) => files.tiff({ gps: [field] }).subarray(-24))
const kept = {
  image: [ascii(0x010f, 'Nikon'), ascii(0x0110, 'Z 6'), { tag: 0x0112, type: 'short' as const, value: [6] }],
  exif: [ascii(0x9003, '2021:07:01 18:30:00'), ascii(0x9011, '+09:00'), ascii(0xa434, 'NIKKOR Z 50mm f/1.8 S')],
}
const exif = files.tiff({ ...kept, gps })
const placeXmp = files.xmp(
  'exif:GPSLatitude="37,33.99072N" exif:GPSLongitude="126,58.68204E" photoshop:City="Seoul" xmp:Rating="4"',
  '<Iptc4xmpExt:LocationCreated><rdf:Bag><rdf:li Iptc4xmpExt:Sublocation="Jung-gu"/></rdf:Bag></Iptc4xmpExt:LocationCreated><dc:title>Kept</dc:title><!-- 37.566512 -->',
)
const place = files.box('udta', files.userText('\xa9xyz', '+37.5665+126.9780/'), files.userText('\xa9mod', 'Kept'))
const seoulVideo = files.movie({ boxes: [place] })

const jxl = (...boxes: Buffer[]) =>
  Buffer.concat([files.box('JXL ', '\r\n\x87\n'), files.box('ftyp', 'jxl ', files.uint32(0), 'jxl '), ...boxes])
const profile = Buffer.from(`\nexif\n${exif.length}\n${exif.toString('hex')}\n`)
const exifItem = Buffer.concat([files.uint32(6), Buffer.from('Exif\0\0'), exif])

/** The thumbnail stands behind the directory that names it. */
function withThumbnail(thumbnail: Buffer): Buffer {
  const directory = (at: number) =>
    files.tiff({
      image: [
        { tag: 0x0201, type: 'long', value: [at] },
        { tag: 0x0202, type: 'long', value: [thumbnail.length] },
      ],
    })
  return Buffer.concat([directory(directory(0).length), thumbnail])
}

/** Files that hold a place, and whether EXIF that is told anew without it has the rest still. */
const holders: Record<string, { bytes: Buffer; keepsExif: boolean }> = {
  'EXIF in JPEG': { bytes: files.jpegWith(jpeg, files.exifSegment(exif)), keepsExif: true },
  'little-endian EXIF': {
    bytes: files.jpegWith(jpeg, files.exifSegment(files.tiff({ ...kept, gps }, { littleEndian: true }))),
    keepsExif: true,
  },
  'EXIF in PNG': { bytes: files.pngWith(png, files.chunk('eXIf', exif)), keepsExif: true },
  'EXIF in WebP': { bytes: files.webpWith(webp, ['EXIF', exif]), keepsExif: true },
  'EXIF in HEIC': { bytes: files.heif([{ type: 'Exif', data: exifItem }]), keepsExif: true },
  'EXIF in JPEG XL': { bytes: jxl(files.box('Exif', files.uint32(0), exif)), keepsExif: true },
  'compressed EXIF in JPEG XL': {
    bytes: jxl(files.box('brob', 'Exif', brotliCompressSync(Buffer.concat([files.uint32(0), exif])))),
    keepsExif: false,
  },
  'hexadecimal EXIF in PNG': {
    bytes: files.pngWith(png, files.chunk('zTXt', 'Raw profile type exif\0\0', deflateSync(profile))),
    keepsExif: false,
  },
  'XMP in JPEG': { bytes: files.jpegWith(jpeg, files.xmpSegment(placeXmp)), keepsExif: false },
  'XMP in PNG': {
    bytes: files.pngWith(png, files.chunk('iTXt', 'XML:com.adobe.xmp\0\0\0\0\0', placeXmp)),
    keepsExif: false,
  },
  'compressed XMP in PNG': {
    bytes: files.pngWith(png, files.chunk('iTXt', 'XML:com.adobe.xmp\0\x01\0\0\0', deflateSync(placeXmp))),
    keepsExif: false,
  },
  'XMP in WebP': { bytes: files.webpWith(webp, ['XMP ', Buffer.from(placeXmp)]), keepsExif: false },
  'XMP in HEIC': {
    bytes: files.heif([{ type: 'mime', contentType: 'application/rdf+xml', data: Buffer.from(placeXmp) }]),
    keepsExif: false,
  },
  'XMP that is not well-formed': {
    bytes: files.jpegWith(jpeg, files.xmpSegment(placeXmp.replace('</dc:title>', ''))),
    keepsExif: false,
  },
  IPTC: {
    bytes: files.jpegWith(
      jpeg,
      files.iptcSegment([
        [90, 'Seoul'],
        [101, 'Korea'],
        [80, 'Kept'],
      ]),
    ),
    keepsExif: false,
  },
  'a comment': { bytes: files.jpegWith(jpeg, files.segment(0xfe, 'GPS 37.566512')), keepsExif: false },
  "a maker's segment": { bytes: files.jpegWith(jpeg, files.segment(0xe6, 'GoPro\0GPS5 37.566512')), keepsExif: false },
  'a second image': {
    bytes: Buffer.concat([jpeg, files.jpegWith(jpeg, files.exifSegment(exif))]),
    keepsExif: false,
  },
  'a motion photo': {
    bytes: Buffer.concat([files.jpegWith(jpeg, files.exifSegment(exif)), seoulVideo]),
    keepsExif: true,
  },
  "Samsung's trailer": {
    bytes: Buffer.concat([jpeg, files.samsungTrailer('MotionPhoto_Data', seoulVideo)]),
    keepsExif: false,
  },
  'the motion of a HEIC': {
    bytes: files.heif([{ type: 'Exif', data: exifItem }], files.box('mpvd', seoulVideo)),
    keepsExif: true,
  },
  'a thumbnail with EXIF of its own': {
    bytes: files.jpegWith(
      jpeg,
      files.exifSegment(withThumbnail(files.jpegWith(jpeg.subarray(0, 2), files.exifSegment(exif)))),
    ),
    keepsExif: false,
  },
  'bytes between segments': {
    bytes: files.jpegWith(jpeg, files.segment(0xfe, 'Kept'), Buffer.from('GPS 37.566512')),
    keepsExif: false,
  },
  'padding in a HEIC': {
    bytes: files.heif([{ type: 'Exif', data: exifItem }], files.box('free', 'GPS 37.566512')),
    keepsExif: true,
  },
  "an editor's left-overs": {
    bytes: files.jpegWith(jpeg, files.exifSegment(Buffer.concat([exif, Buffer.from('37.566512')]))),
    keepsExif: true,
  },
  'a second image inside of XMP': {
    bytes: files.jpegWith(
      jpeg,
      files.xmpSegment(
        files.xmp(`GImage:Data="${files.jpegWith(jpeg, files.exifSegment(exif)).toString('base64')}" dc:title="Kept"`),
      ),
    ),
    keepsExif: false,
  },
  'XMP in UTF-16': { bytes: files.webpWith(webp, ['XMP ', Buffer.from(placeXmp, 'utf16le')]), keepsExif: false },
  'EXIF in two segments': {
    bytes: files.jpegWith(jpeg, files.exifSegment(exif.subarray(0, -20)), files.exifSegment(exif.subarray(-20))),
    keepsExif: true,
  },
  'the JPEG that a JPEG XL was': { bytes: jxl(files.box('jbrd', Buffer.alloc(40, 3))), keepsExif: false },
  'bytes behind the image': { bytes: Buffer.concat([jpeg, Buffer.from('GPS 37.566512')]), keepsExif: false },
}

describe('the copy for others', () => {
  for (const [name, { bytes, keepsExif }] of Object.entries(holders)) {
    test(`does not tell the place of ${name}, and is otherwise the same`, async () => {
      assert.equal((await readImageMetadata(bytes, 'image/jpeg')).holdsLocation, true)
      const copy = await removeImageLocation(bytes, 'image/jpeg')
      assert.ok(copy !== null, 'no copy was made')
      assert.equal(copy.length, bytes.length)
      const text = Buffer.from(copy)
      for (const trace of [...coordinates, '37.5665', '37,33', 'Seoul', 'Korea', 'Jung-gu']) {
        assert.equal(text.includes(trace), false, `${trace} is still there`)
      }
      const metadata = await readImageMetadata(copy, 'image/jpeg')
      assert.equal(metadata.location, null)
      assert.equal(metadata.holdsLocation, false)
      if (keepsExif) {
        assert.equal(metadata.camera, 'Nikon Z 6')
        assert.equal(metadata.lens, 'NIKKOR Z 50mm f/1.8 S')
        assert.equal(metadata.capturedAt?.toISOString(), '2021-07-01T09:30:00.000Z')
        assert.equal(metadata.offset, 540)
      }
      if (/Kept/.test(bytes.toString('latin1')) && !/XMP that is not|UTF-16/.test(name))
        assert.match(text.toString('latin1'), /Kept/)
      const shown = await sharp(bytes)
        .raw()
        .toBuffer()
        .catch(() => null)
      // The hand-made HEIC and JPEG XL have no picture.
      if (shown !== null) assert.deepEqual(await sharp(copy).raw().toBuffer(), shown)
    })
  }

  test('keeps orientation, colour profile and the structure that libvips reads', async () => {
    const copy = await removeImageLocation(files.jpegWith(jpeg, files.exifSegment(exif)), 'image/jpeg')
    assert.ok(copy !== null)
    const metadata = await sharp(copy).metadata()
    assert.equal(metadata.orientation, 6)
    assert.ok(metadata.icc)
  })

  test('has the right checksums in PNG', async () => {
    const copy = await removeImageLocation(files.pngWith(png, files.chunk('eXIf', exif)), 'image/png')
    assert.ok(copy !== null)
    await sharp(copy, { failOn: 'warning' }).raw().toBuffer()
    assert.deepEqual(
      Buffer.from(copy).subarray(33, -png.length + 33),
      files.chunk('eXIf', Buffer.from(copy).subarray(41, 41 + exif.length)),
    )
  })

  test('still has its motion', async () => {
    const photo = Buffer.concat([jpeg, seoulVideo])
    const copy = await removeImageLocation(photo, 'image/jpeg')
    assert.ok(copy !== null)
    const before = await readImageMetadata(photo, 'image/jpeg')
    assert.notEqual(before.motion, null)
    assert.deepEqual((await readImageMetadata(copy, 'image/jpeg')).motion, before.motion)
  })

  test('loses a motion whose samples tell the place', async () => {
    const drive = files.movie({ boxes: [files.track('meta', 'gpmd')] })
    const copy = await removeImageLocation(Buffer.concat([jpeg, drive]), 'image/jpeg')
    assert.ok(copy !== null)
    assert.deepEqual(Buffer.from(copy).subarray(0, jpeg.length), jpeg)
    assert.equal(Buffer.from(copy).subarray(jpeg.length).equals(Buffer.alloc(drive.length)), true)
  })

  test("has Apple's maker note, and empties those of unpublished form", async () => {
    const apple = Buffer.concat([
      Buffer.from('Apple iOS\0\0\x01MM'),
      files.uint16(1, 0x0001, 9),
      files.uint32(1, 14, 0),
    ])
    const other = Buffer.from('Unheard of, with 12 bytes of who knows what')
    const survives = async (note: Buffer) => {
      const bytes = files.tiff({ exif: [{ tag: 0x927c, type: 'undefined', value: note }], gps })
      const copy = await removeImageLocation(files.jpegWith(jpeg, files.exifSegment(bytes)), 'image/jpeg')
      assert.ok(copy !== null)
      return Buffer.from(copy).includes(note)
    }
    assert.equal(await survives(apple), true)
    assert.equal(await survives(other), false)
  })

  test('is the original itself when that tells no place', async () => {
    const bytes = files.jpegWith(jpeg, files.exifSegment(files.tiff(kept)))
    assert.equal(await removeImageLocation(bytes, 'image/jpeg'), bytes)
  })
})

describe('no copy is made', () => {
  test('of what is no image', async () => {
    assert.equal(await removeImageLocation(Buffer.from('<html>GPS</html>'), 'image/jpeg'), null)
  })

  test('of a DNG that contains the raw file it was made from', async () => {
    const dng = files.tiff({
      image: [
        { tag: 0xc612, type: 'byte', value: [1, 4, 0, 0] },
        { tag: 0xc68c, type: 'undefined', value: Buffer.alloc(64, 1) },
      ],
      gps,
    })
    assert.equal(await removeImageLocation(dng, 'image/x-adobe-dng'), null)
  })

  test("of a RAW whose maker's note is not known, since developing needs the note", async () => {
    const note: files.Field = { tag: 0x927c, type: 'undefined', value: Buffer.from('AOC\0 who knows what') }
    const raw = files.tiff({ image: [ascii(0x010f, 'PENTAX')], exif: [note], gps })
    assert.equal(await removeImageLocation(raw, 'image/x-pentax-pef'), null)
    const sony = files.tiff({ image: [ascii(0x010f, 'SONY')], exif: [note], gps })
    assert.ok((await removeImageLocation(sony, 'image/x-sony-arw')) !== null)
  })

  test('when the coordinates stand once more where nothing can be taken out', async () => {
    const profile = files.segment(0xe2, 'ICC_PROFILE\0', Buffer.from(coordinates[0] ?? []))
    assert.equal(await removeImageLocation(files.jpegWith(jpeg, files.exifSegment(exif), profile), 'image/jpeg'), null)
  })

  test('when a directory is cut off, so that others may read more of it', async () => {
    const cut = Buffer.from(exif)
    cut.writeUInt16BE(4000, 8)
    assert.equal(await removeImageLocation(cut, 'image/tiff'), null)
  })
})
