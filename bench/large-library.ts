/**
 * A library of any size in a moment: a few dozen pictures are made, and every asset of the library shows one of them. Its
 * rows are written by SQL; its renditions are names of their own for the same bytes (hard links), so that a browser fetches
 * and decodes a file an asset as it would of a real library.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { link, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type pg from 'pg'
import sharp from 'sharp'
import { rgbaToThumbHash } from 'thumbhash'
import { createLayout } from '../packages/server/src/engines/object-store/file/layout.ts'

/** As cameras make them: mostly 4:3 and 3:2 lying, some standing, a panorama. */
const shapes: [number, number][] = [
  [4032, 3024],
  [4032, 3024],
  [3024, 4032],
  [6000, 4000],
  [4000, 6000],
  [4032, 3024],
  [3840, 2160],
  [3000, 3000],
  [4032, 3024],
  [9000, 2700],
]

/** Pictures that are made of each shape. */
const variants = 4

interface Picture {
  width: number
  height: number
  thumbhash: Buffer
  /** Files by name of the rendition. */
  renditions: { name: string; path: string; size: number; width: number; height: number }[]
}

export interface LibraryOptions {
  /** Connected to the database of the server, which was migrated. */
  pool: pg.Pool
  /** `DATA_DIR` of the server, with the embedded file store. */
  dataDir: string
  accountId: string
  assets: number
  /** Over how many years they are spread, up to now. */
  years: number
  /** Link files for the newest of them only; the others have rows alone. */
  withFiles?: number
}

const sizes: Record<string, number> = { thumb: 320, small: 720, preview: 1440 }
const batch = 5_000

export async function fillLibrary(options: LibraryOptions): Promise<void> {
  const { pool, accountId, assets, years, withFiles = assets } = options
  const layout = createLayout(join(options.dataDir, 'files'))
  // Links need the same file system.
  const masters = join(options.dataDir, 'bench-masters')
  await mkdir(masters, { recursive: true })
  const pictures = await makePictures(masters)
  const newest = Date.now() - 3_600_000
  const step = (years * 365.25 * 86_400_000) / assets
  for (let from = 0; from < assets; from += batch) {
    const rows = Array.from({ length: Math.min(batch, assets - from) }, (_, index) => {
      const at = from + index
      const picture = pictures[(at * 7) % pictures.length]
      if (picture === undefined) throw new RangeError('There are no pictures')
      return { at, id: randomUUID(), folder: `renditions/${randomBytes(16).toString('hex')}`, picture }
    })
    await insertAssets(
      pool,
      accountId,
      rows.map((row) => ({
        id: row.id,
        width: row.picture.width,
        height: row.picture.height,
        thumbhash: row.picture.thumbhash,
        capturedAt: new Date(newest - row.at * step),
      })),
    )
    const renditions = rows.flatMap(({ at, id, folder, picture }) =>
      picture.renditions.map((rendition) => ({
        ...rendition,
        assetId: id,
        key: `${folder}/${rendition.name}.00000000.webp`,
        isLinked: at < withFiles,
      })),
    )
    await insertRenditions(pool, renditions)
    const linked = renditions.filter(({ isLinked }) => isLinked)
    for (const rendition of linked) {
      const path = layout.objectPath(rendition.key)
      await mkdir(dirname(path), { recursive: true })
      await link(rendition.path, path)
    }
  }
  await pool.query('analyze')
}

async function insertAssets(
  pool: pg.Pool,
  accountId: string,
  rows: { id: string; width: number; height: number; thumbhash: Buffer; capturedAt: Date }[],
): Promise<void> {
  await pool.query(
    `insert into asset (id, owner_id, upload_id, kind, state, purpose, object_key, filename, content_type, size, width, height,
                        captured_at, thumbhash, uploaded_at, recipe, version, holds_location)
     select id, $1, gen_random_uuid(), 'image', 'ready', 'library', 'originals/' || replace(id::text, '-', ''), 'IMG.jpg', 'image/jpeg', 4000000,
            width, height, captured_at, thumbhash, captured_at, 1000, 2, false
     from unnest($2::uuid[], $3::int[], $4::int[], $5::timestamptz[], $6::bytea[]) as row (id, width, height, captured_at, thumbhash)`,
    [
      accountId,
      rows.map((row) => row.id),
      rows.map((row) => row.width),
      rows.map((row) => row.height),
      rows.map((row) => row.capturedAt),
      rows.map((row) => row.thumbhash),
    ],
  )
}

async function insertRenditions(
  pool: pg.Pool,
  rows: { assetId: string; name: string; key: string; size: number; width: number; height: number }[],
): Promise<void> {
  await pool.query(
    `insert into rendition (asset_id, name, object_key, content_type, size, width, height, recipe)
     select asset_id, name, key, 'image/webp', size, width, height, 1000
     from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::int[], $6::int[]) as row (asset_id, name, key, size, width, height)`,
    [
      rows.map((row) => row.assetId),
      rows.map((row) => row.name),
      rows.map((row) => row.key),
      rows.map((row) => row.size),
      rows.map((row) => row.width),
      rows.map((row) => row.height),
    ],
  )
}

/** Blurred noise of several scales in one hue: as many bytes as photos of the same size have. */
async function makePictures(folder: string): Promise<Picture[]> {
  const pictures: Picture[] = []
  for (const [index, [width, height]] of shapes.entries()) {
    for (let variant = 0; variant < variants; variant += 1) {
      const scale = 1440 / Math.max(width, height)
      const [w, h] = [Math.round(width * scale), Math.round(height * scale)]
      const base = await noise(w, h, 240)
      const detail = await noise(w, h, 12)
      const picture = await sharp(base, { raw: { width: w, height: h, channels: 3 } })
        .composite([{ input: detail, raw: { width: w, height: h, channels: 3 }, blend: 'soft-light' }])
        .modulate({ hue: (index * 67 + variant * 91) % 360, saturation: 1.4 })
        .png()
        .toBuffer()
      pictures.push(await describePicture(picture, { width, height }, join(folder, `${index}-${variant}`)))
    }
  }
  return pictures
}

async function noise(width: number, height: number, cell: number): Promise<Buffer> {
  const columns = Math.ceil(width / cell) + 1
  const rows = Math.ceil(height / cell) + 1
  return sharp(randomBytes(columns * rows * 3), { raw: { width: columns, height: rows, channels: 3 } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer()
}

async function describePicture(png: Buffer, size: { width: number; height: number }, path: string): Promise<Picture> {
  const renditions = await Promise.all(
    Object.entries(sizes).map(async ([name, pixels]) => {
      const { data, info } = await sharp(png)
        .resize(pixels, pixels, { fit: 'inside' })
        .webp({ quality: 80 })
        .toBuffer({ resolveWithObject: true })
      const file = `${path}-${name}.webp`
      await writeFile(file, data)
      return { name, path: file, size: data.length, width: info.width, height: info.height }
    }),
  )
  const tiny = await sharp(png)
    .resize(100, 100, { fit: 'inside' })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { ...size, renditions, thumbhash: Buffer.from(rgbaToThumbHash(tiny.info.width, tiny.info.height, tiny.data)) }
}
