/** Files of real phones and cameras, and of people who mean harm. */
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import sharp from 'sharp'
import { createSandbox } from '../../engines/sandbox/sandbox.ts'
import { CannotDecode } from '../media.ts'
import { createImageDecoder, type DecodedImage, type ImageDecoder } from './index.ts'
import { distance, everySize, gridOf, madeOf, sourceOf } from './testing/pictures.ts'
import { sampleMedia, sampleNames, testSamples } from './testing/sample-media.ts'

let decoder: ImageDecoder
before(async () => {
  decoder = createImageDecoder({ sandbox: await createSandbox(), processes: 2 })
})
after(() => decoder.close())

const decode = (path: string): Promise<DecodedImage> =>
  decoder.decode(sourceOf(sampleMedia(path)), { ...everySize, sizes: ['thumb', 'small'], metadata: true })

/** The colours of 16 cells, as other decoders show them: Debian's heif-convert 1.15 and djxl 0.7, by way of Little CMS. */
const references: Record<string, string> = {
  'images/iphone13pm.HEIC':
    '7b6b597c6a5b8d7a68958775775738594737796f63766e616b38086d390b7d4b16a67532a96f20484c554f4f634e596d',
  'images/nokia_hdr.heif':
    '9da7ab8f9497767f85616d76dde1d5cccbc1aeaca39091885e4e436a594b644d40543b2e4b3e4154393a54383756352e',
  'images/visionpro_spatial.heic':
    '88877d8f7f71c9c4ba66615c5957486b695c7a786a847e756f6b6779736f7877638e88819a9796796f6e655b5a8c8580',
  'motion/samsung_motion.heic':
    '5f5a566864636963626458536b696a9694968785866a63625d5b5c7573756f6c6e5e585743413f4c49494d494848403d',
  'images/immich.jxl':
    '8b82729c907e90826d4f3e268d78656e6d5e7e796359472e6b584a47564a4d524a5b4c39604f3d5b5040645341624c37',
}

for (const [path, grid] of Object.entries(references)) {
  testSamples(`${path} looks as other decoders show it`, async () => {
    const found = await gridOf(madeOf(await decode(path), 'small'))
    assert.ok(distance(found, [...Buffer.from(grid, 'hex')]) <= 4, found.map(Math.round).join())
  })
}

testSamples('an iPhone photo that is turned twice in its file is turned once', async () => {
  const { width, height, metadata } = await decode('images/iphone13pm.HEIC')
  assert.deepEqual([width, height], [3024, 4032])
  assert.equal(metadata?.camera, 'Apple iPhone 13 Pro Max')
})

testSamples('200 megapixels in 768 tiles look like the same photo in JPEG', async () => {
  const [heic, jpeg] = [
    await decode('hostile/s24ultra_200mp.heic'),
    await decode('images/derived_48mp_gps_orient6.jpg'),
  ]
  assert.deepEqual([heic.width, heic.height], [12_240, 16_320])
  assert.ok(distance(await gridOf(madeOf(heic, 'small')), await gridOf(madeOf(jpeg, 'small'))) <= 4)
})

testSamples('cameras that turned and mirrored a photo in all ways show the same one', async () => {
  for (const side of ['landscape', 'portrait']) {
    const names = sampleNames('images').filter((name) => name.startsWith(`orient_${side}`))
    const grids = await Promise.all(names.map(async (name) => gridOf(madeOf(await decode(`images/${name}`), 'small'))))
    // Each carries its number in its middle.
    for (const grid of grids) assert.ok(distance(grid, grids[0] ?? []) <= 12, side)
  }
})

testSamples('what was made for brighter screens looks right on others', async () => {
  // A fort under a blue sky, in BT.2100 PQ: unconverted, its sky is grey.
  const [r = 0, g = 0, b = 0] = await gridOf(madeOf(await decode('images/immich_10bit_hdr_20mp.avif'), 'small'))
  assert.ok(r < 100 && g > 140 && b > 190, `${r} ${g} ${b}`)
  // A JPEG whose gain map nobody needs: its base is as sharp reads it.
  const photo = await decode('images/pixel8_ultrahdr_gps.jpg')
  const base = await sharp(sampleMedia('images/pixel8_ultrahdr_gps.jpg')).resize(542, 720).png().toBuffer()
  assert.ok(distance(await gridOf(madeOf(photo, 'small')), await gridOf(base)) <= 4)
  assert.deepEqual(photo.metadata?.location, { latitude: 51.53314722222222, longitude: -0.1261 })
})

testSamples('RAW files show the largest picture of the camera', async () => {
  const sizes: Record<string, [number, number]> = {
    'canon_1ds3_head.CR2': [2784, 1856],
    'canon_d30.CRW': [1440, 960],
    'nikon_d7100_head.NEF': [6000, 4000],
    'sony_a55_head.ARW': [1616, 1080],
  }
  for (const [name, size] of Object.entries(sizes)) {
    const { width, height } = await decode(`raw/${name}`)
    assert.deepEqual([width, height], size, name)
  }
  await assert.rejects(decode('raw/gopro_hero8.GPR'), { reason: 'unsupported' })
})

testSamples('sequences show their first picture, and the primary one goes before the first', async () => {
  const star = await decode('images/star_anim.avifs')
  assert.deepEqual([star.width, star.height, star.animated], [159, 159, true])
  const primary = await decode('images/pitm.avif')
  assert.deepEqual([primary.width, primary.height, primary.animated], [4096, 800, false])
})

/** All that can be shown; everything else must be refused. */
const shown = new Set([
  '-i.jpg',
  'big_height.webp',
  'bomb_1x65000_rgb.png',
  'bomb_extents.gif',
  'corrupted_10mp.jpg',
  'exif_oserror_gps.jpg',
  'gif_65535sq_5000frames.gif',
  'jpeg_2.6mb_app1.jpg',
  'jpeg_html_polyglot.jpg',
  'name with \u202e rtl.jpg',
  'ok_16000x16000_1bit.png',
  'png_text_dos.png',
  's24ultra_200mp.heic',
  'svg_script.svg',
  'truncated.jpg',
  'truncated.png',
])
const tooLarge = new Set(['65536x65536.png', 'bomb_30000x30000_1bit.png', 'svg_huge.svg'])

testSamples('every hostile file is shown or refused, and none says where it was taken', async () => {
  for (const name of sampleNames('hostile')) {
    if (name === 's24ultra_200mp.heic') continue
    const decoded = await decode(`hostile/${name}`).catch((error: unknown) => error)
    if (decoded instanceof CannotDecode) {
      assert.equal(shown.has(name), false, `${name}: ${decoded.message}`)
      assert.equal(decoded.reason === 'too-large', tooLarge.has(name), `${name}: ${decoded.reason}`)
      continue
    }
    if (decoded instanceof Error) throw decoded
    assert.ok(shown.has(name), `${name} was shown`)
    for (const { bytes } of (decoded as DecodedImage).images) {
      const { exif, xmp, iptc } = await sharp(bytes).metadata()
      assert.deepEqual([exif, xmp, iptc], [undefined, undefined, undefined], name)
    }
  }
})
