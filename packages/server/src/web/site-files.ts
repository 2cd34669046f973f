/**
 * The files of the site, read whole into memory at start: they are few and small, an update of the folder cannot tear a page
 * that is being loaded, and a path that is not in the map does not exist, whatever is written in it.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { type Coding, codings } from '../http/encoding.ts'

export interface SiteFile {
  contentType: string
  cacheControl: string
  /** Of the bytes without a coding; each coding has a tag of its own made of it. */
  digest: string
  bytes: Buffer
  coded: Map<Coding, Buffer>
}

/** How the build script names what it made beside a file. */
const suffixes: Record<Coding, string> = { br: '.br', zstd: '.zst', gzip: '.gz' }

const contentTypes: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
}

/** Their names change with their bytes. */
const immutable = '/_app/immutable/'

/** By URL path. Throws `ENOENT` when the folder is not there. */
export async function readSiteFiles(folder: string): Promise<Map<string, SiteFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
  const present = new Set(paths)
  const originals = paths.filter((path) => !isCoded(path, present))
  const files = await Promise.all(
    originals.map(async (path) => {
      const url = `/${path.slice(folder.length).split(sep).filter(Boolean).join('/')}`
      return [url, await readSiteFile(path, url, present)] as const
    }),
  )
  return new Map(files)
}

function isCoded(path: string, present: Set<string>): boolean {
  return Object.values(suffixes).some((suffix) => path.endsWith(suffix) && present.has(path.slice(0, -suffix.length)))
}

async function readSiteFile(path: string, url: string, present: Set<string>): Promise<SiteFile> {
  const bytes = await readFile(path)
  const coded = new Map<Coding, Buffer>()
  for (const coding of codings) {
    const variant = path + suffixes[coding]
    if (present.has(variant)) coded.set(coding, await readFile(variant))
  }
  return {
    contentType: contentTypes[extname(path).toLowerCase()] ?? 'application/octet-stream',
    cacheControl: url.startsWith(immutable) ? 'public, max-age=31536000, immutable' : 'no-cache',
    digest: createHash('sha256').update(bytes).digest('base64url').slice(0, 22),
    bytes,
    coded,
  }
}
