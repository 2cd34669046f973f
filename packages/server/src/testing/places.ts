/** Photos and films that tell where they were taken, in many forms, and what finds those forms in any bytes. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { findFfmpeg } from '../renditions/index.ts'
import { readImageMetadata, readVideoMetadata } from '../renditions/metadata/index.ts'
import { exifSegment, gpsFields, jpegWith, tiff, xmp, xmpSegment } from '../renditions/metadata/testing/files.ts'

/** Nobody writes these digits by chance. */
export const [latitude, longitude] = [52.5123457, 13.4765433]
const written = `+${latitude}+0${longitude}/`

/** All forms in which the files below tell the place. */
const traces = [
  ...[latitude, longitude].map((degrees) => Buffer.from(String(degrees))),
  // Its seconds as a rational number, in either byte order (EXIF).
  ...[latitude, longitude].flatMap((degrees) => {
    const seconds = Math.round((((degrees % 1) * 60) % 1) * 600_000)
    const bytes = [Buffer.alloc(8), Buffer.alloc(8)] as const
    bytes[0].writeUInt32BE(seconds)
    bytes[0].writeUInt32BE(10_000, 4)
    bytes[1].writeUInt32LE(seconds)
    bytes[1].writeUInt32LE(10_000, 4)
    return bytes
  }),
]

export const holdsTrace = (bytes: Uint8Array): boolean => traces.some((trace) => Buffer.from(bytes).includes(trace))

function sourceOf(bytes: Uint8Array) {
  return { size: bytes.length, read: async (start: number, end: number) => bytes.subarray(start, end) }
}

/** Looks for the coordinates, and reads the file as its type says. */
export async function assertTellsNoPlace(bytes: Uint8Array, type: string, what: string): Promise<void> {
  assert.ok(!holdsTrace(bytes), `${what} holds the coordinates`)
  if (type.startsWith('image/')) {
    const { holdsLocation } = await readImageMetadata(bytes, type)
    assert.equal(holdsLocation, false, what)
  } else if (type.startsWith('video/')) {
    const { holdsLocation } = await readVideoMetadata(sourceOf(bytes), type)
    assert.equal(holdsLocation, false, what)
  }
}

/** A JPEG that tells its place in EXIF and XMP; with `motion`, a motion photo. */
export async function placedPhoto(width = 1500, motion: Uint8Array = Buffer.alloc(0)): Promise<Buffer> {
  const picture = await sharp(randomBytes(12 * 9 * 3), { raw: { width: 12, height: 9, channels: 3 } })
    .resize(width, Math.round(width * 0.75), { fit: 'fill' })
    .jpeg()
    .toBuffer()
  const place = `exif:GPSLatitude="${latitude}" exif:GPSLongitude="${longitude}"`
  const offset = motion.length === 0 ? '' : ` GCamera:MicroVideoOffset="${motion.length}"`
  return Buffer.concat([
    jpegWith(picture, exifSegment(tiff({ gps: gpsFields(latitude, longitude) })), xmpSegment(xmp(`${place}${offset}`))),
    motion,
  ])
}

/**
 * A second of QuickTime. In `yuv420p` it plays everywhere, in `yuv444p` it is converted. `subtitles`: the place is told
 * once a second too, as drones do.
 */
export async function placedFilm(pixels: 'yuv420p' | 'yuv444p', { subtitles = false } = {}): Promise<Buffer> {
  const ffmpeg = await findFfmpeg(process.env.PATH ?? '')
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-places-'))
  try {
    const [path, text] = [join(folder, 'film.mov'), join(folder, 'place.srt')]
    await writeFile(text, `1\n00:00:00,000 --> 00:00:01,000\nGPS(${latitude},${longitude},20)\n`)
    // biome-ignore format: one option a line
    await promisify(execFile)(ffmpeg?.ffmpeg ?? '', [
      '-nostdin', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25:duration=1',
      ...(subtitles ? ['-i', text, '-c:s', 'mov_text'] : []),
      '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', pixels,
      '-metadata', `location=${written}`, '-metadata', `comment=${crypto.randomUUID()}`, path,
    ])
    return await readFile(path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
