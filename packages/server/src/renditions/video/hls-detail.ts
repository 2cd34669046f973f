/** What playlists need to know of a variant, read from what ffmpeg made. */
import { openMade } from '../made-file.ts'
import { CannotDecode } from '../media.ts'
import type { HlsVariant } from './playlists.ts'

export interface MadeVariant {
  /** The playlist that ffmpeg wrote, and its file of segments. */
  playlist: string
  media: string
  hasAudio: boolean
  frameRate: number | null
}

/** Bytes. A day of segments takes two megabytes to list, and what is needed before them some kilobytes. */
const longestPlaylist = 16 << 20
const longestInit = 1 << 20

/** Null when there is no segment in it: nothing could be decoded. */
export async function readDetail({ playlist, media, hasAudio, frameRate }: MadeVariant): Promise<HlsVariant | null> {
  const text = await readPlaylist(playlist)
  const map = /^#EXT-X-MAP:.*BYTERANGE="(\d+)@(\d+)"/m.exec(text)
  const segments = [...text.matchAll(/^#EXTINF:([\d.]+),.*\n#EXT-X-BYTERANGE:(\d+)@(\d+)$/gm)].map(
    ([, duration, length, offset]): HlsVariant['segments'][number] => [
      Number(duration),
      Number(offset),
      Number(length),
    ],
  )
  if (map === null || segments.length === 0) return null
  const init = { offset: Number(map[2]), length: Number(map[1]) }

  const total = segments.reduce((sum, [duration]) => sum + duration, 0)
  const bytes = segments.reduce((sum, [, , length]) => sum + length, 0)
  const averageBandwidth = Math.ceil((bytes * 8) / Math.max(total, 0.001))
  // A last segment of a frame or two would tell of a rate that no connection has to carry.
  const busiest = segments
    .filter(([duration]) => duration >= 1)
    .map(([duration, , length]) => Math.ceil((length * 8) / duration))
  return {
    bandwidth: Math.max(averageBandwidth, ...busiest),
    averageBandwidth,
    codecs: [await readAvcCodec(media, init), ...(hasAudio ? ['mp4a.40.2'] : [])].join(','),
    frameRate,
    hasAudio,
    init,
    segments,
  }
}

async function readPlaylist(path: string): Promise<string> {
  const file = await openMade(path)
  try {
    if ((await file.stat()).size > longestPlaylist) throw new CannotDecode('too-large', 'The playlist is too long.')
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** `avc1.PPCCLL`: profile, constraints and level, as `avcC` says them (ISO/IEC 14496-15; RFC 6381, 3.3). */
async function readAvcCodec(media: string, init: HlsVariant['init']): Promise<string> {
  if (init.length > longestInit) throw new CannotDecode('undecodable', 'The start of a variant is too long.')
  const file = await openMade(media)
  try {
    const bytes = Buffer.alloc(init.length)
    await file.read(bytes, 0, init.length, init.offset)
    const box = bytes.indexOf('avcC')
    if (box < 0) throw new Error('ffmpeg made a variant without H.264.')
    return `avc1.${bytes.toString('hex', box + 5, box + 8)}`
  } finally {
    await file.close()
  }
}
