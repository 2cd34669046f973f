/** What a camera wrote, as photographers write it. */
import type { Asset } from '@heliograph/client'

type Exposure = NonNullable<Asset['exposure']>

/** `1/250 s`, `f/1.8`, `ISO 100`, `26 mm`: those that are known. */
export function exposureParts(exposure: Exposure, locale: string): string[] {
  const { exposureTime, fNumber, iso, focalLength, focalLength35 } = exposure
  const number = (value: number, digits: number) => value.toLocaleString(locale, { maximumFractionDigits: digits })
  const length = focalLength35 ?? focalLength
  return [
    ...(isPositive(exposureTime) ? [`${shutter(exposureTime, number)} s`] : []),
    ...(isPositive(fNumber) ? [`f/${number(fNumber, 1)}`] : []),
    ...(isPositive(iso) ? [`ISO ${iso.toFixed(0)}`] : []),
    ...(isPositive(length) ? [`${number(length, 0)} mm`] : []),
  ]
}

/** Cameras name the part of a second up to a quarter, and seconds from there on. */
function shutter(seconds: number, number: (value: number, digits: number) => string): string {
  return seconds <= 0.26 ? `1/${Math.round(1 / seconds)}` : number(seconds, 1)
}

function isPositive(value: number | null): value is number {
  return value !== null && Number.isFinite(value) && value > 0
}

/** Millions of pixels, with one digit below ten; null when it is less than a tenth. */
export function megapixels(width: number, height: number, locale: string): string | null {
  const millions = (width * height) / 1_000_000
  if (millions < 0.1) return null
  return millions.toLocaleString(locale, { maximumFractionDigits: millions < 10 ? 1 : 0 })
}
