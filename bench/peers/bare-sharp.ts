/**
 * sharp and nothing else: every photo of a folder into the sizes asked for, written to files. `chain` decodes once at the
 * largest size and makes each smaller one of the one above; `clone` opens the file anew for each size, as sharp's
 * documentation does. Both are asked for in the environment, and the faster one is what ours is compared with.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'

const { PHOTOS = '', OUT = '', SIZES = '', WAY = 'chain' } = process.env
const sizes = SIZES.split(',').map(Number)
/** As ours has it; sharp's own default, 4, takes up to twice as long. */
const effort = 2
const cores = sharp.concurrency()
sharp.concurrency(1)
sharp.cache(false)

const fit = (size: number) => ({ width: size, height: size, fit: 'inside' as const, withoutEnlargement: true })

async function chain(path: string, name: string): Promise<void> {
  let image = sharp(path).autoOrient()
  for (const size of sizes) {
    const { data, info } = await image.resize(fit(size)).raw().toBuffer({ resolveWithObject: true })
    const raw = { raw: { width: info.width, height: info.height, channels: info.channels } }
    await sharp(data, raw)
      .webp({ quality: 80, effort })
      .toFile(join(OUT, `${name}-${size}.webp`))
    image = sharp(data, raw)
  }
}

async function clone(path: string, name: string): Promise<void> {
  for (const size of sizes) {
    await sharp(path)
      .autoOrient()
      .resize(fit(size))
      .webp({ quality: 80, effort })
      .toFile(join(OUT, `${name}-${size}.webp`))
  }
}

const make = WAY === 'chain' ? chain : clone
const names = await readdir(PHOTOS)
const waiting = names[Symbol.iterator]()
const before = process.cpuUsage()
const began = performance.now()
await Promise.all(
  Array.from({ length: cores }, async () => {
    for (const name of waiting) await make(join(PHOTOS, name), name)
  }),
)
const seconds = (performance.now() - began) / 1000
const { user, system } = process.cpuUsage(before)
const { maxRSS } = process.resourceUsage()
process.stdout.write(
  `${JSON.stringify({ photos: names.length, seconds, cpu: (user + system) / 1e6, peak: maxRSS * 1024 })}\n`,
)
