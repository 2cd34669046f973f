/** What a picture is by its first bytes. What it was called or declared as plays no part. */

export type ImageKind = 'jpeg' | 'png' | 'webp' | 'gif' | 'avif' | 'heic' | 'tiff' | 'raw' | 'jxl' | 'svg'

const latin1 = (bytes: Buffer, start: number, end: number) => bytes.toString('latin1', start, end)

/** Null when it is no picture. `tiff` may still turn out to be a RAW file, which only its tags tell. */
export function sniffImage(bytes: Buffer): ImageKind | null {
  const start = latin1(bytes, 0, 16)
  if (start.startsWith('\xff\xd8\xff')) return 'jpeg'
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return 'png'
  if (start.startsWith('RIFF') && start.slice(8, 12) === 'WEBP') return 'webp'
  if (start.startsWith('GIF87a') || start.startsWith('GIF89a')) return 'gif'
  // A bare JPEG XL codestream, or the box of its container (ISO/IEC 18181-2).
  if (start.startsWith('\xff\x0a') || start.startsWith('\0\0\0\x0cJXL \r\n\x87\n')) return 'jxl'
  if (start.slice(4, 8) === 'ftyp') return sniffBrands(bytes)
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(start.slice(0, 4))) return 'tiff'
  // Panasonic, Olympus (three spellings), Canon CIFF, Fujifilm.
  if (['IIU\0', 'IIRO', 'IIRS', 'MMOR'].includes(start.slice(0, 4))) return 'raw'
  if (latin1(bytes, 6, 14) === 'HEAPCCDR' || start.startsWith('FUJIFILMCCD-RAW')) return 'raw'
  return isSvg(bytes) ? 'svg' : null
}

/** The brands of ISO/IEC 14496-12 that the HEIF, AVIF and Canon specifications name. */
function sniffBrands(bytes: Buffer): ImageKind | null {
  const end = Math.min(bytes.readUInt32BE(0), 256, bytes.length)
  const brands = [latin1(bytes, 8, 12)]
  for (let at = 16; at + 4 <= end; at += 4) brands.push(latin1(bytes, at, at + 4))
  if (brands.includes('crx ')) return 'raw'
  if (brands.includes('avif') || brands.includes('avis')) return 'avif'
  const heif = ['heic', 'heix', 'hevc', 'hevx', 'heim', 'heis', 'hevm', 'hevs', 'mif1', 'msf1', 'mif2', 'miaf']
  return brands.some((brand) => heif.includes(brand)) ? 'heic' : null
}

/** A document whose first element is `svg`, after at most a prolog, comments and a doctype. */
function isSvg(bytes: Buffer): boolean {
  const text = bytes.toString('utf8', 0, 4096).replace(/^\ufeff/, '')
  const root = text.replace(/^(?:\s*(?:<\?[^>]*\?>|<!--[\s\S]*?-->|<!DOCTYPE\s[^[>]*(?:\[[\s\S]*?\]\s*)?>))*\s*/i, '')
  return /^<(?:[a-z]+:)?svg[\s>/]/i.test(root)
}
