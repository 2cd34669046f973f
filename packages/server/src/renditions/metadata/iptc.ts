/** IPTC-IIM 4.2: datasets of a marker, a record, a number and a length, in that order. */
import { latin1, type Stretch, u8, u16 } from './bytes.ts'
import { type Facts, noFacts } from './facts.ts'
import { readMoment } from './moments.ts'

/** Of record 2: content location, city, sublocation, province, country. */
const places = new Set([26, 27, 90, 92, 95, 100, 101])

interface Dataset {
  record: number
  number: number
  value: Stretch
}

/** The datasets in `range`. `whole` is false when something else stands among them. */
export function readDatasets(bytes: Uint8Array, range: Stretch): { datasets: Dataset[]; whole: boolean } {
  const datasets: Dataset[] = []
  let at = range.start
  while (at + 5 <= range.end && u8(bytes, at) === 0x1c) {
    const size = u16(bytes, at + 3)
    const value = { start: at + 5, end: at + 5 + size }
    // Above 32 KB the length has a length; no text about a photo is that long.
    if (size >= 0x8000 || value.end > range.end || datasets.length === 4096) return { datasets, whole: false }
    datasets.push({ record: u8(bytes, at + 1), number: u8(bytes, at + 2), value })
    at = value.end
  }
  const rest = bytes.subarray(at, range.end)
  return { datasets, whole: rest.every((byte) => byte === 0) }
}

export function placesOf(datasets: Dataset[]): Stretch[] {
  return datasets
    .filter(({ record, number, value }) => record === 2 && places.has(number) && value.end > value.start)
    .map(({ value }) => value)
}

export function readIptc(bytes: Uint8Array, range: Stretch): Facts {
  const { datasets, whole } = readDatasets(bytes, range)
  const text = (number: number): string => {
    const found = datasets.find((dataset) => dataset.record === 2 && dataset.number === number)
    return found === undefined ? '' : latin1(bytes, found.value.start, found.value.end)
  }
  const date = /^(\d{4})(\d\d)(\d\d)$/.exec(text(55))
  const time = /^(\d\d)(\d\d)(\d\d)([+-]\d{4})?$/.exec(text(60))
  const moment =
    date && time
      ? readMoment(`${date[1]}-${date[2]}-${date[3]} ${time[1]}:${time[2]}:${time[3]}${time[4] ?? ''}`)
      : null
  return {
    ...noFacts,
    created: moment,
    holdsLocation: !whole || placesOf(datasets).some(({ start, end }) => latin1(bytes, start, end).trim() !== ''),
  }
}
