/**
 * What the decoders tell of a file and make of it: the words that images, videos, metadata and the job that joins them
 * have in common.
 */
import type { Exposure } from '../engines/database/schema.ts'

/** To be raised whenever a rendition comes out differently; `heliograph renditions --missing` then makes the old ones anew. */
export const recipe = 1

/** Long side of the sizes of an image, pixels. A size is made when the original is larger than the one below it. */
export const imageSizes = { thumb: 320, small: 720, preview: 1440, large: 2560 } as const
export type ImageSize = keyof typeof imageSizes

/**
 * Why a file could not be shown. The original is kept and can be downloaded in every case.
 * `undecodable`: damaged, or no picture at all. `unsupported`: a good file in a form nothing here decodes. `too-large`:
 * more pixels, memory or time than one file may take. `decoder-missing`: this machine lacks the program for it.
 */
export type Undecodable = 'undecodable' | 'unsupported' | 'too-large' | 'decoder-missing'

/** Thrown by decoders for what will be the same next time. Anything else they throw is tried again. */
export class CannotDecode extends Error {
  readonly reason: Undecodable

  constructor(reason: Undecodable, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'CannotDecode'
    this.reason = reason
  }
}

/** Whether a rendition is for playing; the others are for looking at. */
export function isPlayback(name: string): boolean {
  return name === 'video' || name.startsWith('hls-')
}

/** Least seconds that a URL for playing is valid: players ask again and again for parts of it, until the film is over. */
export const longestPlay = 6 * 3_600

/** What a file says of itself. Null is unknown. */
export interface MediaMetadata {
  /** The moment, when the zone is known; else the clock of the place read as UTC, and `offset` is null. */
  capturedAt: Date | null
  /** Minutes ahead of UTC. */
  offset: number | null
  location: { latitude: number; longitude: number } | null
  /** True when the bytes tell a place in any form, also one that could not be read. */
  holdsLocation: boolean
  /** Maker and model, the maker not twice. */
  camera: string | null
  lens: string | null
  exposure: Exposure | null
  /** Shared by the two files of a Live Photo. */
  contentIdentifier: string | null
  /** Where in the file the video of a motion photo lies. */
  motion: { start: number; length: number } | null
}

/** A picture that was made, in memory: none is larger than a few megabytes. */
export interface MadeImage {
  name: string
  contentType: string
  width: number
  height: number
  bytes: Uint8Array
}

/** A file that was made, in the scratch folder of its job. */
export interface MadeFile {
  name: string
  contentType: string
  path: string
  width: number | null
  height: number | null
  /** Seconds. */
  duration: number | null
  detail: unknown
}
