/** What one part of a file says; the parts are weighed against each other by whoever reads the whole file. */
import type { MediaMetadata } from '../media.ts'
import type { Moment } from './moments.ts'

export type Location = NonNullable<MediaMetadata['location']>

export interface Facts {
  /** When the picture was taken. */
  original: Moment | null
  /** When it became a file, which is later for a scan. */
  created: Moment | null
  /** When the file was last written: some phones say nothing else. */
  changed: Moment | null
  location: Location | null
  holdsLocation: boolean
  camera: string | null
  lens: string | null
  exposure: MediaMetadata['exposure']
  contentIdentifier: string | null
}

export const noFacts: Facts = {
  original: null,
  created: null,
  changed: null,
  location: null,
  holdsLocation: false,
  camera: null,
  lens: null,
  exposure: null,
  contentIdentifier: null,
}

export const noMetadata: MediaMetadata = {
  capturedAt: null,
  offset: null,
  location: null,
  holdsLocation: false,
  camera: null,
  lens: null,
  exposure: null,
  contentIdentifier: null,
  motion: null,
}

/** A place on Earth; null when a number is missing or out of range, and for 0/0, which is where no fix was had. */
export function locationOf(latitude: number | null, longitude: number | null): Location | null {
  if (latitude === null || longitude === null) return null
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return null
  return latitude === 0 && longitude === 0 ? null : { latitude, longitude }
}

/** Words of a file as one clean line of at most 200 characters; null when nothing is left. */
export function cleanText(text: string | null): string | null {
  const clean = (text ?? '')
    .replace(/\0.*$/s, '')
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 200)
  return clean === '' ? null : clean
}

/** `NIKON CORPORATION` and `NIKON D7100` is a `NIKON D7100`; `Apple` and `iPhone 13` an `Apple iPhone 13`. */
export function cameraName(make: string | null, model: string | null): string | null {
  const maker = cleanText(make)
  const name = cleanText(model)
  if (maker === null || name === null) return name ?? maker
  const brand = maker.split(' ')[0] ?? maker
  return name.toLowerCase().startsWith(brand.toLowerCase()) ? name : `${maker} ${name}`
}
