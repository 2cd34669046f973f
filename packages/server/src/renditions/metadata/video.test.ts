import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { patched, readVideoMetadata, type Source, videoLocationRemoval } from './index.ts'
import * as files from './testing/files.ts'

function sourceOf(bytes: Uint8Array): Source {
  return { size: bytes.length, read: async (start, end) => bytes.subarray(start, end) }
}

const read = (bytes: Uint8Array) => readVideoMetadata(sourceOf(bytes), 'video/mp4')
const of = (...boxes: Buffer[]) => files.movie({ boxes })
const seoul = { latitude: 37.5665, longitude: 126.978 }

const loci = files.box(
  'loci',
  files.uint32(0),
  files.uint16(0x15c7),
  'Home\0\0',
  files.uint32(126.978 * 65_536, 37.5665 * 65_536, 0),
  'earth\0\0',
)
const apple = files.keyed({
  'com.apple.quicktime.creationdate': '2023-09-22T18:34:05+0200',
  'com.apple.quicktime.location.ISO6709': '+37.5665+126.9780+051.178/',
  'com.apple.quicktime.location.accuracy.horizontal': '35.000000',
  'com.apple.quicktime.make': 'Apple',
  'com.apple.quicktime.model': 'iPhone 15',
  'com.apple.quicktime.content.identifier': '8A2E4F0C-90B1-4D65-A3F4-0123456789AB',
})

test('a video of an iPhone tells when, where, with what and which photo it belongs to', async () => {
  assert.deepEqual(await read(of(apple)), {
    capturedAt: new Date('2023-09-22T16:34:05Z'),
    offset: 120,
    location: seoul,
    holdsLocation: true,
    camera: 'Apple iPhone 15',
    lens: null,
    exposure: null,
    contentIdentifier: '8A2E4F0C-90B1-4D65-A3F4-0123456789AB',
    motion: null,
  })
})

test('the moment of a video without more is that of its header, which is UTC', async () => {
  const seconds = (Date.UTC(2024, 1, 9, 20, 23, 48) - Date.UTC(1904, 0, 1)) / 1000
  const metadata = await read(files.movie({ created: seconds }))
  assert.equal(metadata.capturedAt?.toISOString(), '2024-02-09T20:23:48.000Z')
  assert.equal(metadata.offset, 0)
  assert.equal((await read(files.movie({ created: 0 }))).capturedAt, null)
})

describe('the place of a video', () => {
  test('is read out of user data of Android and of 3GPP', async () => {
    assert.deepEqual(
      (await read(of(files.box('udta', files.userText('\xa9xyz', '+37.5665+126.9780/'))))).location,
      seoul,
    )
    const metadata = await read(of(files.box('udta', loci)))
    assert.ok(Math.abs((metadata.location?.latitude ?? 0) - seoul.latitude) < 1e-4)
    assert.ok(Math.abs((metadata.location?.longitude ?? 0) - seoul.longitude) < 1e-4)
  })

  test('is read in degrees, minutes and seconds', async () => {
    const location = async (text: string) =>
      (await read(of(files.box('udta', files.userText('\xa9xyz', text))))).location
    assert.deepEqual(await location('+3730.00+12715.00/'), { latitude: 37.5, longitude: 127.25 })
    assert.deepEqual(await location('-373000.0-1271500.0/'), { latitude: -37.5, longitude: -127.25 })
    assert.equal(await location('+97.5665+126.9780/'), null)
  })

  test('is none where Android had no fix, and wrote zeros', async () => {
    const metadata = await read(of(files.box('udta', files.userText('\xa9xyz', '+00.0000+000.0000/'))))
    assert.equal(metadata.location, null)
    assert.equal(metadata.holdsLocation, false)
  })

  const mebx = (key: string) => files.track('meta', 'mebx', Buffer.concat([Buffer.alloc(8), Buffer.from(`mdta${key}`)]))
  const measured: Record<string, Buffer> = {
    "GoPro's track": files.track('meta', 'gpmd'),
    "Android's camera motion": files.track('camm', 'camm'),
    "Apple's timed metadata": mebx('com.apple.quicktime.location.ISO6709'),
    "a drone's subtitles": files.track('sbtl', 'tx3g'),
    "a dash camera's index": files.box('gps ', files.uint32(0, 1, 1000, 100)),
  }
  for (const [name, box] of Object.entries(measured)) {
    test(`is held by ${name}, and only a new file without it tells none`, async () => {
      assert.equal((await read(of(box))).holdsLocation, true)
      assert.deepEqual(await videoLocationRemoval(sourceOf(of(box))), { remux: true })
    })
  }

  test('is not held by pictures, sound, and how the camera moved', async () => {
    const plain = of(
      files.track('vide', 'avc1'),
      files.track('soun', 'mp4a'),
      mebx('com.apple.quicktime.video-orientation'),
      files.track('meta', 'mett', Buffer.from('\0\0\0\0\0\0\0\x01\0application/motionphoto-image-meta\0', 'latin1')),
    )
    assert.equal((await read(plain)).holdsLocation, false)
  })

  test('counts as held by what is not read', async () => {
    assert.equal((await read(Buffer.from('RIFF    AVI LIST'))).holdsLocation, true)
    assert.equal((await read(Buffer.concat([of(), Buffer.from('a trailer of the maker')]))).holdsLocation, true)
  })
})

describe('what is given instead of the place', () => {
  const videos: Record<string, Buffer> = {
    "Apple's keys": of(apple),
    'user data': of(
      files.box('udta', files.userText('\xa9xyz', '+37.5665+126.9780/'), loci, files.userText('\xa9mod', 'Kept')),
    ),
    'user data of a track': of(files.box('trak', files.box('udta', files.userText('\xa9xyz', '+37.5665+126.9780/')))),
    'boxes of a maker': of(files.box('GPMF', 'GPS5 +37.5665+126.9780/')),
    XMP: Buffer.concat([
      of(),
      files.box(
        'uuid',
        Buffer.from('be7acfcb97a942e89c71999491e3afac', 'hex'),
        files.xmp('exif:GPSLatitude="37.5665N"'),
      ),
    ]),
    'padding inside of the tables': of(apple, files.box('free', '+37.5665+126.9780/')),
    'padding that was not emptied': Buffer.concat([of(apple), files.box('free', '+37.5665+126.9780/')]),
  }
  for (const [name, bytes] of Object.entries(videos)) {
    test(`is as long, and leaves the samples of a video with ${name}`, async () => {
      const removal = await videoLocationRemoval(sourceOf(bytes))
      assert.ok('patches' in removal, 'a new file is asked for')
      const given = patched(sourceOf(bytes), removal.patches)
      const copy = Buffer.from(await given.read(0, given.size))
      assert.equal(copy.length, bytes.length)
      for (const trace of ['37.5665', '126.97', files.uint32(126.978 * 65_536)])
        assert.equal(copy.includes(trace), false)
      assert.deepEqual(copy.subarray(0, copy.indexOf('moov')), bytes.subarray(0, bytes.indexOf('moov')))
      const before = await read(bytes)
      const after = await read(copy)
      assert.deepEqual(after, { ...before, location: null, holdsLocation: false })
    })
  }

  test('does not depend on how it is read', async () => {
    const bytes = of(apple)
    const removal = await videoLocationRemoval(sourceOf(bytes))
    assert.ok('patches' in removal)
    const given = patched(sourceOf(bytes), removal.patches)
    const whole = await given.read(0, given.size)
    for (let at = 0; at < bytes.length; at += 7) {
      const end = Math.min(at + 7, bytes.length)
      assert.deepEqual(Buffer.from(await given.read(at, end)), Buffer.from(whole.subarray(at, end)))
    }
  })

  test('is a new file for containers that are not read', async () => {
    for (const bytes of [
      Buffer.from('RIFF    AVI LIST'),
      Buffer.alloc(0),
      Buffer.from('\x1a\x45\xdf\xa3\x80', 'latin1'),
    ]) {
      assert.deepEqual(await videoLocationRemoval(sourceOf(bytes)), { remux: true })
    }
  })
})

describe('Matroska', () => {
  const element = (id: string, content: Buffer): Buffer =>
    Buffer.concat([Buffer.from(id, 'hex'), Buffer.from([0x40 | (content.length >> 8), content.length & 0xff]), content])
  const header = element('1a45dfa3', element('4282', Buffer.from('webm')))
  const date = Buffer.alloc(8)
  date.writeBigInt64BE(BigInt(Date.UTC(2021, 1, 24, 12, 48, 2) - Date.UTC(2001, 0, 1)) * 1_000_000n)
  const information = element('1549a966', element('4461', date))
  const tag = (name: string, value: string) =>
    element(
      '7373',
      element('67c8', Buffer.concat([element('45a3', Buffer.from(name)), element('4487', Buffer.from(value))])),
    )

  test('tells its date and the place in its tags', async () => {
    const tags = element('1254c367', tag('LOCATION', '+37.5665+126.9780/'))
    const metadata = await read(Buffer.concat([header, element('18538067', Buffer.concat([information, tags]))]))
    assert.equal(metadata.capturedAt?.toISOString(), '2021-02-24T12:48:02.000Z')
    assert.deepEqual(metadata.location, seoul)
    assert.equal(metadata.holdsLocation, true)
  })

  test('without tags holds no place', async () => {
    const metadata = await read(Buffer.concat([header, element('18538067', information)]))
    assert.equal(metadata.holdsLocation, false)
    assert.equal(metadata.offset, 0)
  })
})
