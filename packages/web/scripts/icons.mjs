/** Draws the icons of the installed site out of `static/icon.svg`: `node scripts/icons.mjs`, after that file was changed. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'

const folder = new URL('../static/', import.meta.url)
const svg = await readFile(new URL('icon.svg', folder), 'utf8')
/** Phones cut these to their own shape, from a full square with what matters in its middle four fifths. */
const full = svg
  .replace('rx="14"', '')
  .replace('viewBox="0 0 64 64"', 'viewBox="-8 -8 80 80"')
  .replace(/<rect width="64" height="64"\s*/, '<rect x="-8" y="-8" width="80" height="80" ')

const icons = [
  { name: 'icon-192.png', source: svg, size: 192 },
  { name: 'icon-512.png', source: svg, size: 512 },
  { name: 'icon-maskable-512.png', source: full, size: 512 },
  { name: 'apple-touch-icon.png', source: full, size: 180 },
]

for (const { name, source, size } of icons) {
  const density = (72 * size) / 64
  await sharp(Buffer.from(source), { density })
    .resize(size, size)
    .png({ palette: true, effort: 10 })
    .toFile(fileURLToPath(new URL(name, folder)))
}
