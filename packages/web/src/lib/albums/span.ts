/** The time that an album covers, as short as it can be said: `3 – 7 May 2026`. Null when nothing in it has a date. */
export function formatSpan(from: string | null, to: string | null, locale: string): string | null {
  if (from === null || to === null) return null
  const format = new Intl.DateTimeFormat(locale, { dateStyle: 'long' })
  return format.formatRange(new Date(from), new Date(to))
}
