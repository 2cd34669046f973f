/** What a resumable protocol carries beside the bytes: key and value as text, in the words of the client. */
import type { Purpose } from '../engines/database/schema.ts'
import { problems } from '../problem.ts'

export type Metadata = Readonly<Record<string, unknown>>

export interface Described {
  filename: string
  /** As declared; null when it was not. */
  contentType: string | null
  purpose: Purpose
  capturedAt: Date | null
}

const purposes: readonly Purpose[] = ['library', 'post', 'avatar']

/**
 * `filename` or `name`, `filetype` or `type`, `purpose`, `capturedAt`; whatever else is there is the client's own.
 * Throws `invalid-request` for a purpose or time that is none.
 */
export function describe(metadata: Metadata): Described {
  const text = (...names: string[]) => {
    const values = names.map((name) => metadata[name])
    return values.find((value): value is string => typeof value === 'string' && value !== '') ?? null
  }
  const given = text('purpose') ?? 'library'
  const purpose = purposes.find((one) => one === given)
  if (purpose === undefined) throw invalid('purpose', `must be one of ${purposes.join(', ')}`)
  const time = text('capturedAt')
  const capturedAt = time === null ? null : new Date(time)
  if (capturedAt !== null && Number.isNaN(capturedAt.getTime())) throw invalid('capturedAt', 'must be an RFC 3339 time')
  return { filename: text('filename', 'name') ?? 'unnamed', contentType: text('filetype', 'type'), purpose, capturedAt }
}

function invalid(name: string, message: string) {
  return problems.invalidRequest('The metadata of the upload cannot be used.', {
    errors: [{ path: `/metadata/${name}`, message }],
  })
}
