/**
 * How a video loses its location for others. Where only user data and keyed metadata tell it, a few bytes of the original
 * are given differently, and nothing is written anew. Where samples tell it (GoPro's `gpmd`, Android's `camm`, Apple's
 * timed metadata, subtitles of a drone), or the file is not understood, the pictures and the sound have to be copied
 * into a new file.
 */
import { isMovie, readTopLevel, type Source } from './video.ts'

/** Bytes to be given instead of those at `offset`, as many. */
export interface Patch {
  offset: number
  bytes: Uint8Array
}

export type VideoLocationRemoval =
  | { patches: Patch[] }
  /**
   * Copy video and audio, without metadata, into a new container (ffmpeg's `-map 0:V -map 0:a? -c copy -map_metadata -1
   * -map_chapters -1 -dn -sn`) and read that again, or give renditions only.
   */
  | { remux: true }

const maxPatches = 8 * 1024 * 1024

/** Patches, in order of their place and not overlapping, that leave every sample where it is; or the need to remux. */
export async function videoLocationRemoval(source: Source): Promise<VideoLocationRemoval> {
  if (!isMovie(await source.read(0, Math.min(16, source.size)))) return { remux: true }
  const { movie, padding, unread } = await readTopLevel(source)
  if (movie.remux || unread) return { remux: true }
  const blanks = [...movie.blanks, ...padding].toSorted((a, b) => a.at - b.at)
  if (blanks.reduce((sum, { at, content }) => sum + content.end - at, 0) > maxPatches) return { remux: true }
  const patches: Patch[] = []
  let covered = 0
  for (const { at, content } of blanks) {
    // A box inside of one that is emptied is emptied with it.
    if (content.end <= covered) continue
    covered = content.end
    // Behind the four bytes of its name a long box has eight of its size, which stay.
    const bytes = new Uint8Array(content.end - at - 4)
    bytes.set(await source.read(at + 4, content.start))
    bytes.set(Buffer.from('free'))
    patches.push({ offset: at + 4, bytes })
  }
  return (await isClean(patched(source, patches))) ? { patches } : { remux: true }
}

/** The source as others get it. */
export function patched(source: Source, patches: Patch[]): Source {
  return {
    size: source.size,
    async read(start, end) {
      const bytes = Uint8Array.from(await source.read(start, end))
      for (const patch of patches) {
        const from = Math.max(patch.offset, start)
        const to = Math.min(patch.offset + patch.bytes.length, start + bytes.length)
        if (from < to) bytes.set(patch.bytes.subarray(from - patch.offset, to - patch.offset), from - start)
      }
      return bytes
    },
  }
}

async function isClean(source: Source): Promise<boolean> {
  const { movie, unread } = await readTopLevel(source)
  return !unread && !movie.holdsLocation && movie.location === null
}
