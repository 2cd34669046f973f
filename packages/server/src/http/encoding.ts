/** Which content coding an answer is sent in (RFC 9110 section 12.5.3), and coding of what is made for one request. */
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib'

export const codings = ['br', 'zstd', 'gzip'] as const
export type Coding = (typeof codings)[number]

/**
 * The best of `offered`, which is in the server's order of preference, that `Accept-Encoding` allows; null to send the bytes
 * as they are. A client that prefers one by its weight gets that one.
 */
export function chooseCoding(acceptEncoding: string | undefined, offered: readonly Coding[]): Coding | null {
  if (acceptEncoding === undefined) return null
  const weights = parseWeights(acceptEncoding)
  const weightOf = (coding: string) => weights.get(coding) ?? weights.get('*') ?? 0
  let best: Coding | null = null
  for (const coding of offered) {
    if (weightOf(coding) > (best === null ? 0 : weightOf(best))) best = coding
  }
  const plain = weights.get('identity') ?? 0
  return best !== null && weightOf(best) >= plain ? best : null
}

function parseWeights(header: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const part of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim())
    const weight = parameters.find((text) => text.startsWith('q='))
    const value = weight === undefined ? 1 : Number(weight.slice(2))
    weights.set(name, Number.isNaN(value) ? 0 : value)
  }
  return weights
}

const compress = { br: promisify(brotliCompress), zstd: promisify(zstdCompress), gzip: promisify(gzip) }

/** In the order of what they cost for a page that is made for one request. */
export const quickCodings: readonly Coding[] = ['zstd', 'br', 'gzip']

/** At the level where more work would delay the page by more than the smaller page wins. */
export function encodeQuickly(text: string, coding: Coding): Promise<Buffer> {
  const bytes = Buffer.from(text)
  switch (coding) {
    case 'zstd':
      return compress.zstd(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })
    case 'br':
      return compress.br(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
    case 'gzip':
      return compress.gzip(bytes, { level: 5 })
  }
}
