/** When something was taken, on the clock of the place where it was. */
import type { Asset } from '@heliograph/client'

type Moment = Pick<Asset, 'capturedAt' | 'capturedOffset'>

/** `2026-11-03T10:20:30.000`, without a zone. */
export function wallClockOf({ capturedAt, capturedOffset }: Moment): string {
  return new Date(Date.parse(capturedAt) + (capturedOffset ?? 0) * 60_000).toISOString().slice(0, -1)
}

/** `UTC+09:00`; null when nobody knows. */
export function zoneOf({ capturedOffset }: Moment): string | null {
  if (capturedOffset === null) return null
  const minutes = Math.abs(capturedOffset)
  const two = (value: number) => String(value).padStart(2, '0')
  return `UTC${capturedOffset < 0 ? '−' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** What an `<input type="datetime-local" step="1">` takes. */
export function toLocalInput(moment: Moment): string {
  return wallClockOf(moment).slice(0, 19)
}

/** The moment at which the clock of that place showed what was typed; null for what is no time, or not one of a photo. */
export function fromLocalInput(typed: string, { capturedOffset }: Moment): string | null {
  const at = Date.parse(`${typed.length === 16 ? `${typed}:00` : typed}Z`)
  if (Number.isNaN(at)) return null
  const moment = new Date(at - (capturedOffset ?? 0) * 60_000)
  const year = moment.getUTCFullYear()
  return year < 1800 || year > 9998 ? null : moment.toISOString()
}
