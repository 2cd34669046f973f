import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { recogniseMedia, sampleSize } from './media-type.ts'

const scan = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#c08040' } })
  .tiff({ compression: 'none' })
  .toBuffer()

test('a TIFF is recognised by its start, although its directory lies behind its pixels', async () => {
  assert.ok(scan.readUInt32LE(4) > sampleSize)
  const recognise = (declared: string) => recogniseMedia(scan.subarray(0, sampleSize), declared)
  assert.deepEqual(await recognise('image/tiff'), { contentType: 'image/tiff', kind: 'image' })
  assert.deepEqual(await recognise('application/octet-stream'), { contentType: 'image/tiff', kind: 'image' })
  assert.deepEqual(await recognise('image/x-adobe-dng'), { contentType: 'image/x-adobe-dng', kind: 'image' })
  assert.equal(await recognise('image/jpeg'), null)
})
