/** A site as small as one can be, built into a folder of its own. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'

export const photosStyle = '.photos{color:teal}'
export const startScript = `console.log("started")`

export const shellHtml = `<!doctype html>
<html lang="en">
  <head>
    <title>Heliograph</title>
    <script type="application/json" id="heliograph-first">null</script>
    <link rel="modulepreload" href="/_app/immutable/start.abc.js">
  </head>
  <body><div><script>${startScript}</script><script src="/other.js"></script></div></body>
</html>
`

const pages = [
  { pattern: '^\\/$', scripts: [], styles: [] },
  { pattern: '^\\/sign-in\\/?$', scripts: [], styles: [] },
  {
    pattern: '^\\/photos(?:\\/([^/]+?))?\\/?$',
    scripts: ['/_app/immutable/start.abc.js', '/photos.js'],
    styles: ['/photos.css'],
  },
  { pattern: '^\\/albums(?:\\/(.*))?\\/?$', scripts: ['/albums.js'], styles: [] },
  { pattern: '^\\/s\\/([^/]+?)\\/?$', scripts: [], styles: [] },
]

export interface SmallSite {
  folder: string
  remove(): Promise<void>
}

export async function makeSite(): Promise<SmallSite> {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-site-'))
  const script = Buffer.from(`export const words = '${'many words '.repeat(200)}'`)
  const files: Record<string, string | Buffer> = {
    'index.html': shellHtml,
    'manifest.webmanifest': '{}',
    'photos.css': photosStyle,
    'service-worker.js': 'addEventListener("fetch", () => undefined)',
    '_app/immutable/start.abc.js': script,
    '_app/immutable/start.abc.js.br': brotliCompressSync(script),
    '_app/immutable/start.abc.js.zst': zstdCompressSync(script),
    '_app/immutable/start.abc.js.gz': gzipSync(script),
    '.sources': 'not for anyone',
    '.pages.json': JSON.stringify(pages),
  }
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}
