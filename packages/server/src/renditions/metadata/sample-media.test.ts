/** What real files of cameras and phones say, on machines that have them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeSamples, sampleMedia, sampleNames } from '../image/testing/sample-media.ts'
import type { MediaMetadata } from '../media.ts'
import {
  patched,
  readImageMetadata,
  readVideoMetadata,
  removeImageLocation,
  type Source,
  videoLocationRemoval,
} from './index.ts'

const rawTypes: Record<string, string> = {
  CRW: 'image/x-canon-crw',
  CR2: 'image/x-canon-cr2',
  NEF: 'image/x-nikon-nef',
  ARW: 'image/x-sony-arw',
  GPR: 'image/x-gopro-gpr',
}

function sourceOf(bytes: Uint8Array): Source {
  return { size: bytes.length, read: async (start, end) => bytes.subarray(start, end) }
}

const isVideo = (name: string) => /\.(?:mp4|mov|webm|avi)$/.test(name)
const typeOf = (name: string) =>
  isVideo(name) ? 'video/mp4' : (rawTypes[name.split('.').at(-1) ?? ''] ?? 'image/jpeg')
const read = (name: string, bytes: Uint8Array) =>
  isVideo(name) ? readVideoMetadata(sourceOf(bytes), typeOf(name)) : readImageMetadata(bytes, typeOf(name))

interface Expected {
  /** ISO 8601, UTC. */
  at?: string | null
  offset?: number | null
  location?: [latitude: number, longitude: number] | null
  holdsLocation?: boolean
  camera?: string | null
  lens?: string | null
  exposure?: Partial<NonNullable<MediaMetadata['exposure']>>
  motion?: MediaMetadata['motion']
}

/** As ExifTool tells them. */
const expected: Record<string, Expected> = {
  'images/gps_coolpix_1.jpg': {
    at: '2008-10-22T16:28:39.000Z',
    offset: null,
    location: [43.46744833, 11.88512667],
    camera: 'NIKON COOLPIX P6000',
    exposure: { exposureTime: 4 / 300, fNumber: 5.9, iso: 64, focalLength: 24, focalLength35: 112 },
  },
  'images/gps_coolpix_2.jpg': { at: '2008-10-22T17:00:07.000Z', location: [43.464455, 11.88147833] },
  'images/pixel8_ultrahdr_gps.jpg': {
    at: '2024-01-11T09:35:33.965Z',
    offset: 0,
    location: [51.53314722, -0.1261],
    camera: 'Google Pixel 8',
    lens: 'Pixel 8 back camera 6.9mm f/1.68',
    motion: null,
  },
  'images/derived_48mp_gps_orient6.jpg': {
    at: '2017-02-09T18:51:38.088Z',
    offset: 60,
    location: [48.8925, 2.23638889],
    camera: 'samsung SM-G935L',
  },
  // The location of this one hides in the maker's debugging data, although its EXIF is empty.
  'images/immich_empty_gps.jpg': {
    at: '2025-06-01T16:59:26.023Z',
    location: null,
    holdsLocation: true,
    camera: 'motorola moto g(9) plus',
  },
  'images/immich_gps_small.jpg': {
    at: '2022-01-10T19:15:44.310Z',
    offset: -240,
    location: [39.115, -108.40096833],
    lens: 'Canon EF 24-105mm f/4L IS II USM',
  },
  'images/immich_shop_12mp_noexif.jpg': { at: null, location: null, holdsLocation: false, camera: null },
  'images/iphone13pm.HEIC': {
    at: '2022-02-16T11:55:41.762Z',
    offset: 60,
    location: null,
    holdsLocation: false,
    camera: 'Apple iPhone 13 Pro Max',
    lens: 'iPhone 13 Pro Max back triple camera 5.7mm f/1.5',
    exposure: { exposureTime: 1 / 60, fNumber: 1.5, iso: 250, focalLength: 5.7, focalLength35: 26 },
  },
  'images/nokia_hdr.heif': { at: '2022-01-12T07:30:14.364Z', location: [40.6629935, -3.76374051] },
  'images/visionpro_spatial.heic': {
    at: '2024-04-22T12:38:09.526Z',
    offset: 120,
    location: null,
    holdsLocation: false,
    camera: 'Apple Vision Pro',
  },
  'images/denali.webp': {
    at: '2010-08-13T21:00:01.850Z',
    location: null,
    camera: 'Canon EOS 7D',
    lens: 'EF28-80mm f/3.5-5.6 USM',
  },
  'images/cmyk_icc.jpg': { at: '2004-03-20T12:54:55.000Z', offset: 120, camera: 'Canon EOS 300D DIGITAL' },
  'images/fujifilm_10mb.mpo': { at: '2013-05-25T16:38:10.000Z', location: null, holdsLocation: false, motion: null },
  'raw/gopro_hero8.GPR': {
    at: '2020-05-28T04:47:27.000Z',
    location: [56.2984346, 10.1465592],
    camera: 'GoPro HERO8 Black',
  },
  'raw/sony_a55_head.ARW': {
    at: '2017-10-22T08:54:20.000Z',
    offset: 180,
    location: [34.00705139, 36.20512139],
    camera: 'SONY SLT-A55V',
    lens: 'DT 18-200mm F3.5-6.3',
  },
  'raw/nikon_d7100_head.NEF': {
    at: '2013-09-03T09:45:16.400Z',
    location: null,
    holdsLocation: false,
    camera: 'NIKON D7100',
  },
  'raw/canon_1ds3_head.CR2': { at: '2007-10-18T13:44:32.000Z', camera: 'Canon EOS-1Ds Mark III', holdsLocation: false },
  'raw/canon_d30.CRW': { at: '2018-01-01T13:03:32.000Z', camera: 'Canon EOS D30', holdsLocation: false },
  'motion/derived_PXL_motion.MP.jpg': { holdsLocation: true, motion: { start: 656_752, length: 710_953 } },
  'motion/pixel_motion_short.jpg': {
    at: '2020-12-17T10:03:00.546Z',
    offset: 0,
    holdsLocation: false,
    motion: { start: 131_582, length: 8730 },
  },
  'motion/samsung_motion_short.jpg': {
    at: '2020-12-17T10:03:14.786Z',
    location: null,
    motion: { start: 20_345, length: 2582 },
  },
  'motion/samsung_motion.heic': {
    at: '2024-01-13T05:38:53.853Z',
    offset: -480,
    location: null,
    motion: { start: 452_284, length: 3_226_668 },
  },
  'motion/sample_MP.heic': { motion: { start: 28_869, length: 28_803 } },
  'video/hlg10_hevc_gps.mp4': { at: '2024-02-09T20:23:48.000Z', location: [51.5335, -0.1261] },
  'video/audio_only.mp4': { location: [40.67999268, -74.5] },
  'video/rotate_and_reflect.mp4': { at: '2016-05-31T17:01:35.000Z', location: [40.6892, -74.0445] },
  'video/phone_4k60_h264_rot90.mp4': { at: '2023-03-16T15:26:24.000Z', location: null, holdsLocation: false },
  'video/iphone_hevc10_editlist_rot90.mov': { at: '2024-01-24T14:50:14.000Z', holdsLocation: false },
  'video/vp9.webm': { at: '2021-02-24T12:48:02.000Z', holdsLocation: false },
  'video/hevc_8k.mp4': { at: null, holdsLocation: false },
  'hostile/exif_oserror_gps.jpg': { location: [43.78559443, 11.23461943] },
  'hostile/jpeg_2.6mb_app1.jpg': { location: [43.46744833, 11.88512667] },
  'hostile/s24ultra_200mp.heic': { at: '2025-01-19T11:53:27.031Z', offset: 180, location: null, holdsLocation: false },
}

describeSamples('metadata of real files', () => {
  for (const [name, wanted] of Object.entries(expected)) {
    test(name, async () => {
      const metadata = await read(name, sampleMedia(name))
      const { at, location, exposure, ...rest } = wanted
      if (at !== undefined) assert.equal(metadata.capturedAt?.toISOString() ?? null, at)
      if (location === null) assert.equal(metadata.location, null)
      if (location != null) {
        assert.ok(Math.abs((metadata.location?.latitude ?? 999) - location[0]) < 1e-7)
        assert.ok(Math.abs((metadata.location?.longitude ?? 999) - location[1]) < 1e-7)
        assert.equal(metadata.holdsLocation, true)
      }
      if (exposure !== undefined) assert.deepEqual(metadata.exposure, exposure)
      for (const [key, value] of Object.entries(rest))
        assert.deepEqual(metadata[key as keyof MediaMetadata], value, key)
    })
  }
})

describeSamples('every real file that tells a place has a copy that tells none', () => {
  for (const kind of ['images', 'motion', 'raw', 'video', 'hostile']) {
    test(kind, async () => {
      let copies = 0
      for (const name of sampleNames(kind).map((file) => `${kind}/${file}`)) {
        const bytes = sampleMedia(name)
        const before = await read(name, bytes)
        if (!before.holdsLocation) continue
        const copy = await withoutLocation(name, bytes)
        if (copy === null) {
          assert.match(name, /hls_|sdp\.mp4/, 'only text under the name of a video is refused')
          continue
        }
        copies += 1
        assert.equal(copy.length, bytes.length, name)
        const after = await read(name, copy)
        assert.deepEqual({ ...after, ...zone(before) }, { ...before, location: null, holdsLocation: false }, name)
      }
      assert.ok(copies > 0)
    })
  }
})

/** What a photo loses with the time of the satellites, when nothing else tells its zone. */
function zone({ capturedAt, offset }: MediaMetadata): Pick<MediaMetadata, 'capturedAt' | 'offset'> {
  return { capturedAt, offset }
}

async function withoutLocation(name: string, bytes: Buffer): Promise<Uint8Array | null> {
  if (!isVideo(name)) return removeImageLocation(bytes, typeOf(name))
  const removal = await videoLocationRemoval(sourceOf(bytes))
  return 'patches' in removal ? patched(sourceOf(bytes), removal.patches).read(0, bytes.length) : null
}
