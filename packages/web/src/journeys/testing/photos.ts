/** Photos that can be told apart by looking: a coloured gradient with a number, and when it was taken in its Exif. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'

export interface PhotoOptions {
  width?: number
  height?: number
  /** `2024:05:17 10:20:30`, without a zone, as cameras write it. */
  takenAt?: string
}

/** The hue and the picture follow from `seed`, so that the same seed is the same file. */
export async function photo(seed: number, options: PhotoOptions = {}): Promise<Buffer> {
  const { width = 1600, height = 1200, takenAt = '2024:05:17 10:20:30' } = options
  const hue = (seed * 47) % 360
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1">
      <stop offset="0" stop-color="hsl(${hue} 70% 72%)"/><stop offset="1" stop-color="hsl(${(hue + 50) % 360} 65% 32%)"/></linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#g)"/>
    <circle cx="${width * 0.7}" cy="${height * 0.3}" r="${height * 0.12}" fill="hsl(45 95% 80%)"/>
    <path d="M0 ${height * 0.75} q${width * 0.25} -${height * 0.3} ${width * 0.5} 0 t${width * 0.5} 0 v${height} h-${width} z" fill="hsl(${hue} 40% 22%)"/>
    <text x="6%" y="20%" font-size="${height * 0.16}" font-family="sans-serif" fill="white">${seed}</text></svg>`
  return sharp(Buffer.from(drawing))
    .jpeg({ quality: 85 })
    .withExif({
      IFD0: { Make: 'Heliograph', Model: 'Test Camera' },
      IFD2: { DateTimeOriginal: takenAt, OffsetTimeOriginal: '+09:00' },
    })
    .toBuffer()
}

/** Writes `count` photos into a folder with a folder inside; returns its path. */
export async function photoFolder(count: number, from = 1): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-photos-'))
  await mkdir(join(folder, 'inner'))
  for (let index = 0; index < count; index += 1) {
    const seed = from + index
    const shape = index % 3 === 0 ? { width: 1200, height: 1600 } : {}
    // All of two days, so that few are on one screen.
    const bytes = await photo(seed, { ...shape, takenAt: `2024:05:1${index % 2} 12:00:${10 + (index % 50)}` })
    await writeFile(join(folder, index % 2 === 0 ? '.' : 'inner', `IMG_${String(seed).padStart(4, '0')}.jpg`), bytes)
  }
  return folder
}
