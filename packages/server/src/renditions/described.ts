/** What a file says of itself as columns of its asset. Its words come from strangers: they are made fit for a row here. */
import type { Updateable } from 'kysely'
import type { AssetTable } from '../engines/database/schema.ts'
import type { AssetRow } from './context.ts'
import type { MediaMetadata } from './media.ts'

const longestText = 200

/** A person's word on when it was taken stays; the file's goes before what the upload said. */
export function describedBy(metadata: MediaMetadata | null, current: AssetRow): Updateable<AssetTable> {
  // What could not be read may tell anything.
  if (metadata === null) return { holds_location: true }
  const { capturedAt, offset, location, exposure } = metadata
  const isTold = current.captured_by !== 'person' && capturedAt !== null
  return {
    ...(isTold ? { captured_at: capturedAt, captured_offset: offset, captured_by: 'metadata' as const } : {}),
    latitude: location?.latitude ?? null,
    longitude: location?.longitude ?? null,
    holds_location: metadata.holdsLocation || location !== null,
    camera: oneLine(metadata.camera),
    lens: oneLine(metadata.lens),
    exposure: exposure === null ? null : JSON.stringify(exposure),
    content_identifier: oneLine(metadata.contentIdentifier),
  }
}

/** Postgres keeps no NUL, and a name of a camera needs no line breaks. */
function oneLine(text: string | null): string | null {
  if (text === null) return null
  const line = text
    .replace(/\p{Cc}+/gu, ' ')
    .toWellFormed()
    .trim()
    .slice(0, longestText)
  return line === '' ? null : line.toWellFormed()
}
