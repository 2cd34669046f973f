/** Words and notations by which a text, or bytes of an unknown kind, give away that they tell a place. */
import { type Location, locationOf } from './facts.ts'

const words = /GPS|gps|Gps|[Ll]atitude|[Ll]ongitude|[Ll]ocation|LOCATION|[Gg]eotag|[Gg]eo[Ll]oc/
/** Decimal degrees after ISO 6709, which nothing else looks like. */
const iso6709 = /[+-]\d{2,6}\.\d{2,}[+-]\d{3,7}\.\d{2,}/

export function mentionsPlace(text: string): boolean {
  return words.test(text) || iso6709.test(text)
}

/** ISO 6709 annex H: `+37.5000+127.0000/`, in degrees, degrees and minutes, or with seconds; null for what is none. */
export function readIso6709(text: string | null): Location | null {
  const match = /([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)/.exec(text ?? '')
  return match === null ? null : locationOf(fromDigits(match[1] ?? '', 2), fromDigits(match[2] ?? '', 3))
}

/** The number of digits tells what is written: `DD`, `DDMM` or `DDMMSS`, for longitude with a third digit of degrees. */
function fromDigits(text: string, degreeDigits: number): number | null {
  const [whole = '', fraction = ''] = text.slice(1).split('.')
  const value = (digits: string): number => Number(`${digits}.${fraction || '0'}`)
  const degrees = Number(whole.slice(0, degreeDigits))
  const minutes = whole.slice(degreeDigits, degreeDigits + 2)
  const size =
    whole.length <= degreeDigits
      ? value(whole)
      : whole.length === degreeDigits + 2
        ? degrees + value(minutes) / 60
        : whole.length === degreeDigits + 4
          ? degrees + Number(minutes) / 60 + value(whole.slice(degreeDigits + 2)) / 3600
          : Number.NaN
  return Number.isNaN(size) ? null : text.startsWith('-') ? 0 - size : size
}
