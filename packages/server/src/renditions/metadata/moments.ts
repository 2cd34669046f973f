/**
 * Dates as files write them. A file without a zone tells the clock of the place; it is kept as if it were UTC, and its
 * offset stays null.
 */

export interface Moment {
  date: Date
  /** Minutes ahead of UTC; null when unknown. */
  offset: number | null
}

/** The first photograph that is left dates from 1826 or 1827. */
const earliest = Date.UTC(1826, 0, 1)
const day = 86_400_000

const pattern =
  /^\s*(\d{4})[:\-./](\d\d)[:\-./](\d\d)[T\s]+(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(?:GMT(?=[+-]))?(Z|[+-]\d\d:?\d\d|[+-]\d\d)?\s*$/

/**
 * Reads a date of EXIF (`2022:02:16 12:55:41`), XMP or QuickTime (ISO 8601). Null for what is no date, and for those of
 * cameras whose clock was never set or is out of all bounds.
 *
 * @param offset Minutes ahead of UTC, for a text that has no zone of its own.
 * @param subseconds The digits behind the point, when they are kept elsewhere.
 */
export function readMoment(text: string, offset: number | null = null, subseconds = ''): Moment | null {
  const match = pattern.exec(text.replace(/\0+$/, ''))
  if (match === null) return null
  const [, year, month, date, hour, minute, second = '0', fraction = subseconds, zone] = match
  const milliseconds = Math.floor(Number(`0.${/^\d+/.exec(fraction.trim())?.[0] ?? '0'}`) * 1000)
  const fields = [year, month, date, hour, minute, second].map(Number)
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = fields
  const clock = Date.UTC(y, mo - 1, d, h, mi, Math.min(s, 59), milliseconds)
  // `Date.UTC` carries over: the 31st of February is no date.
  if (new Date(clock).getUTCMonth() !== mo - 1 || new Date(clock).getUTCDate() !== d || h > 23 || mi > 59) return null
  return plausible(clock, zone === undefined ? offset : readOffset(zone))
}

/** A moment told by the clock of its place, in milliseconds as if that were UTC. */
export function plausible(clock: number, offset: number | null): Moment | null {
  const time = clock - (offset ?? 0) * 60_000
  // Without a zone the clock may be up to 14 hours ahead of UTC, which the day of grace holds.
  return time >= earliest && time <= Date.now() + day ? { date: new Date(time), offset } : null
}

/** `+09:00`, `-0330`, `Z` in minutes ahead of UTC; null for what is none. */
export function readOffset(text: string): number | null {
  const trimmed = text.replace(/\0+$/, '').trim()
  if (trimmed === 'Z') return 0
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(trimmed)
  if (match === null) return null
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0)
  return minutes > 14 * 60 || Number(match[3] ?? 0) > 59 ? null : match[1] === '-' ? 0 - minutes : minutes
}

/**
 * The zone of a place's clock, from the same moment told in UTC by satellites. The two are some seconds or minutes
 * apart, and zones are whole quarters of an hour; null when that leaves doubt.
 */
export function offsetBetween(clock: number, utc: number): number | null {
  const minutes = (clock - utc) / 60_000
  const offset = Math.round(minutes / 15) * 15
  return Math.abs(minutes - offset) <= 5 && offset >= -12 * 60 && offset <= 14 * 60 ? offset + 0 : null
}
