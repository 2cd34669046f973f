/** The smallest forms of the files of a site, made once and sent ever after: Brotli, Zstandard and gzip. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib'

/** What is not compressed already. */
const compressible = /\.(?:css|html|js|json|mjs|svg|txt|wasm|webmanifest)$/

/** Bytes below which a file fits into one packet anyway. */
const smallest = 1000

const forms = [
  ['.br', promisify(brotliCompress), (size) => ({ params: { [constants.BROTLI_PARAM_SIZE_HINT]: size } })],
  // Level 19 is the highest whose window every browser has room for.
  ['.zst', promisify(zstdCompress), () => ({ params: { [constants.ZSTD_c_compressionLevel]: 19 } })],
  ['.gz', promisify(gzip), () => ({ level: 9 })],
]

/** @param {string} folder */
export async function compressFolder(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(
    (entry) => entry.isFile() && !entry.name.startsWith('.') && compressible.test(entry.name),
  )
  await Promise.all(files.map((file) => compressFile(join(file.parentPath, file.name))))
}

async function compressFile(path) {
  const bytes = await readFile(path)
  if (bytes.length < smallest) return
  for (const [suffix, compress, optionsFor] of forms) {
    const smaller = await compress(bytes, optionsFor(bytes.length))
    if (smaller.length < bytes.length) await writeFile(path + suffix, smaller)
  }
}
