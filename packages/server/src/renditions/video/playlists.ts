/**
 * HLS playlists (RFC 8216, version 7) of fragmented MP4, one file a variant with byte ranges. They are written for each
 * viewer from what the database knows, since the URLs in them are signed.
 */

/** What playlists need of a variant; kept with its rendition. */
export interface HlsVariant {
  /** Bits a second of its busiest segment. */
  bandwidth: number
  averageBandwidth: number
  /** RFC 6381, such as `avc1.64001f,mp4a.40.2`. */
  codecs: string
  /** Frames a second; null when unknown. */
  frameRate: number | null
  hasAudio: boolean
  /** Bytes of the file that every segment needs before it. */
  init: { offset: number; length: number }
  /** Seconds, then bytes of the file: offset and length. */
  segments: [duration: number, offset: number, length: number][]
}

export interface OfferedVariant {
  /** Pixels. */
  width: number
  height: number
  detail: HlsVariant
}

/** Players begin with the first of `variants`, then choose by what the connection carries. `urlOf` gives a media playlist's URL. */
export function masterPlaylist<V extends OfferedVariant>(variants: V[], urlOf: (variant: V) => string): string {
  const lines = variants.flatMap((variant) => {
    const { width, height, detail } = variant
    const attributes = [
      `BANDWIDTH=${detail.bandwidth}`,
      `AVERAGE-BANDWIDTH=${detail.averageBandwidth}`,
      `CODECS="${detail.codecs}"`,
      `RESOLUTION=${width}x${height}`,
      ...(detail.frameRate === null ? [] : [`FRAME-RATE=${detail.frameRate.toFixed(3)}`]),
    ]
    return [`#EXT-X-STREAM-INF:${attributes.join(',')}`, uri(urlOf(variant))]
  })
  return document(lines)
}

/** The playlist of one variant; `url` gives its file. */
export function mediaPlaylist({ init, segments }: HlsVariant, url: string): string {
  const file = uri(url)
  // No segment, rounded, may be longer than the target (RFC 8216, 4.3.3.1).
  const target = Math.max(1, ...segments.map(([duration]) => Math.round(duration)))
  return document([
    `#EXT-X-TARGETDURATION:${target}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXT-X-MAP:URI="${file}",BYTERANGE="${init.length}@${init.offset}"`,
    ...segments.flatMap(([duration, offset, length]) => [
      `#EXTINF:${duration.toFixed(6)},`,
      `#EXT-X-BYTERANGE:${length}@${offset}`,
      file,
    ]),
    '#EXT-X-ENDLIST',
  ])
}

const document = (lines: string[]) =>
  ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS', ...lines, ''].join('\n')

/** A URL may not end its line or its quotes. */
function uri(url: string): string {
  if (!/^[^\s"#][^\s"]*$/.test(url)) throw new TypeError(`This cannot stand in a playlist: ${JSON.stringify(url)}`)
  return url
}
