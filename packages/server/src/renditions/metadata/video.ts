/**
 * Metadata of video files, read from a source of any size: the headers of the boxes and the one that holds the tables,
 * never the samples.
 */
import type { MediaMetadata } from '../media.ts'
import { type Box, paddingBoxes, sampleBoxes } from './boxes.ts'
import { latin1, startsWith, u32, u64 } from './bytes.ts'
import { noMetadata } from './facts.ts'
import { readMatroska } from './matroska.ts'
import { cameraOf, emptyMovie, type Movie, readMoov, readUnknown, readUuid } from './movie.ts'

/** A file that is read in stretches. A read may answer with fewer bytes at the end of the file. */
export interface Source {
  /** Bytes. */
  size: number
  /** `end` is not included. */
  read(start: number, end: number): Promise<Uint8Array>
}

/** Tables of 24 hours of video take some 20 MB. */
const maxMoov = 64 * 1024 * 1024
/** Boxes of other kinds that are looked into; longer ones count as telling a place. */
const maxOther = 4 * 1024 * 1024
/** A fragmented file has three to a second or two. */
const maxTopLevel = 50_000

/**
 * What a video says of itself. MP4, QuickTime and 3GP are read in full, Matroska and WebM for their date and tags; of other
 * containers nothing is known, and so they count as holding a location.
 *
 * @param contentType As sniffed. The bytes decide.
 */
export async function readVideoMetadata(source: Source, contentType: string): Promise<MediaMetadata> {
  const head = await source.read(0, Math.min(16, source.size))
  if (startsWith(head, 0, '\x1a\x45\xdf\xa3')) return readMatroska(source)
  if (!isMovie(head)) return { ...noMetadata, holdsLocation: source.size > 0 && /^(?:video|audio)\//.test(contentType) }
  const { movie } = await readTopLevel(source)
  return {
    ...noMetadata,
    capturedAt: movie.created?.date ?? null,
    offset: movie.created?.offset ?? null,
    location: movie.location,
    holdsLocation: movie.holdsLocation,
    camera: cameraOf(movie),
    lens: movie.lens,
    contentIdentifier: movie.contentIdentifier,
  }
}

/** The oldest QuickTime files have no `ftyp`. */
export function isMovie(head: Uint8Array): boolean {
  return ['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip', 'pnot'].includes(latin1(head, 4, 8))
}

/** A box that was read, with where its bytes lie in the file: places told in `movie` count from the file's beginning. */
export interface TopLevel {
  movie: Movie
  /** Padding, which may hide what an editor left behind. */
  padding: Box[]
  /** What stands behind the last box, or is too long to be read. */
  unread: boolean
}

export async function readTopLevel(source: Source): Promise<TopLevel> {
  const result: TopLevel = { movie: emptyMovie(), padding: [], unread: false }
  let at = 0
  let budget = maxMoov
  for (let count = 0; at < source.size; count += 1) {
    const box = count < maxTopLevel ? await readHeader(source, at) : null
    if (box === null) {
      result.unread = true
      break
    }
    const size = box.content.end - at
    if (paddingBoxes.has(box.type)) result.padding.push(box)
    else if (!sampleBoxes.has(box.type)) {
      if (size > (box.type === 'moov' ? budget : Math.min(budget, maxOther))) result.unread = true
      else {
        budget -= size
        readInto(result.movie, await source.read(at, box.content.end), at, box)
      }
    }
    at = box.content.end
  }
  if (result.unread) result.movie.holdsLocation = true
  return result
}

/** Reads a box whose bytes were fetched alone, and moves the places found in it to where they lie in the file. */
function readInto(movie: Movie, bytes: Uint8Array, at: number, box: Box): void {
  const before = movie.blanks.length
  const here: Box = { ...box, at: 0, content: { start: box.content.start - at, end: bytes.length } }
  if (box.type === 'moov') readMoov(bytes, here, movie)
  else if (box.type === 'uuid') readUuid(bytes, here, movie)
  else readUnknown(bytes, here, movie)
  movie.blanks = movie.blanks.map((blank, index) =>
    index < before
      ? blank
      : { at: blank.at + at, content: { start: blank.content.start + at, end: blank.content.end + at } },
  )
}

async function readHeader(source: Source, at: number): Promise<Box | null> {
  const header = await source.read(at, Math.min(at + 16, source.size))
  const small = u32(header, 0)
  const start = small === 1 ? 16 : 8
  const size = small === 1 ? u64(header, 8) : small === 0 ? source.size - at : small
  const type = latin1(header, 4, 8)
  // Only samples are still going on where a file breaks off; anything else that says so is no box.
  if (at + size > source.size && type !== 'moov' && !sampleBoxes.has(type) && !paddingBoxes.has(type)) return null
  if (header.length < 8 || size < start || !/^[\x20-\x7e\xa9]{4}$/.test(type)) return null
  return { type, at, content: { start: Math.min(at + start, source.size), end: Math.min(at + size, source.size) } }
}
