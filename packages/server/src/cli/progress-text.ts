/**
 * Text for a terminal: names that people and cameras gave are made safe to print, and cut to a number of columns. A name
 * may hold escape sequences, line breaks and marks that turn the reading direction of everything after it.
 */

/** C0 and C1 controls, direction marks and overrides, invisible joiners, line separators, the byte order mark, halves of pairs. */
const unprintable =
  /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu
const rightToLeft = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u
const wide =
  /^(?:\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303f\uff01-\uff60])/u

/** Every unprintable character becomes one that can be seen. */
export function safeText(text: string): string {
  return text.replace(unprintable, '\ufffd')
}

const segmenter = new Intl.Segmenter()

/** Columns that `text` takes. */
export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

/** The start and the end of `text`, which both tell files apart, in at most `columns`. */
export function fitText(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  if (columns < 3) return '…'.slice(0, columns)
  const segments = [...segmenter.segment(text)].map(({ segment }) => segment)
  const tailColumns = Math.floor((columns - 1) / 2)
  const tail = takeColumns(segments.toReversed(), tailColumns).toReversed()
  const head = takeColumns(segments, columns - 1 - displayWidth(tail.join('')))
  return `${head.join('')}…${tail.join('')}`
}

function takeColumns(segments: string[], columns: number): string[] {
  let width = 0
  const end = segments.findIndex((segment) => {
    width += displayWidth(segment)
    return width > columns
  })
  return end === -1 ? segments : segments.slice(0, end)
}

/** A name, safe, in exactly `columns`; right-to-left names are isolated, so that they move nothing around them. */
export function nameCell(name: string, columns: number): string {
  const fitted = fitText(safeText(name), columns)
  const padding = ' '.repeat(Math.max(0, columns - displayWidth(fitted)))
  return (rightToLeft.test(fitted) ? `\u2068${fitted}\u2069` : fitted) + padding
}

const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']

/** `4.8 MB`, in powers of 1,000. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  const digits = unit > 0 && value < 99.95 ? 1 : 0
  return `${value.toFixed(digits)} ${units[unit]}`
}

/** `0:07`, `3:20`, `1:02:03`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds)
  const rest = String(whole % 60).padStart(2, '0')
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes}:${rest}`
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`
}

/** `1 file`, `3 files`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}
