/** Days and months in words. Formatters are costly to make and cheap to use, so there is one of each for a language. */

export interface DateWords {
  /** `2026-11` → November 2026 */
  month(month: string): string
  /** `2026-11` → Nov, where the year stands beside it. */
  shortMonth(month: string): string
  /** `2026-11-03` → Today, Yesterday, Tue 3 Nov: the whole name of the month stands above. */
  day(day: string): string
  /** `2026-11-03T10:20:30.000` → 3 November 2026 at 10:20 */
  moment(takenAt: string): string
}

export interface RelativeDays {
  today: string
  yesterday: string
}

/** `today` as the person's own calendar has it: `2026-11-20`. */
export function createDateWords(locale: string, words: RelativeDays, today: string): DateWords {
  const format = (options: Intl.DateTimeFormatOptions) => {
    const formatter = new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' })
    return (wallClock: string) => formatter.format(new Date(`${wallClock}Z`))
  }
  const month = format({ month: 'long', year: 'numeric' })
  const shortMonth = format({ month: 'short' })
  const day = format({ weekday: 'short', day: 'numeric', month: 'short' })
  const moment = format({ day: 'numeric', month: 'long', year: 'numeric', hour: 'numeric', minute: '2-digit' })
  const yesterday = new Date(Date.parse(`${today}T00:00Z`) - 86_400_000).toISOString().slice(0, 10)
  return {
    month: (value) => month(`${value}-01T00:00`),
    shortMonth: (value) => shortMonth(`${value}-01T00:00`),
    day(value) {
      if (value === today) return words.today
      return value === yesterday ? words.yesterday : day(`${value}T00:00`)
    },
    moment: (takenAt) => moment(takenAt.slice(0, 23)),
  }
}

/** Of the clock of this device. */
export function todayOf(now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
}
