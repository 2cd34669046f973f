/** Until when a link is valid, between what people choose and what the server keeps. */

export type ExpiryChoice = 'never' | 'day' | 'week' | 'month' | 'date'

const days = { day: 1, week: 7, month: 30 }

/** `date` as a date field gives it: `2026-11-30`, of which the whole day counts where the person is. Null for `never`. */
export function expiryOf(choice: ExpiryChoice, date: string, now: Date): Date | null {
  if (choice === 'never') return null
  if (choice === 'date') return new Date(`${date}T23:59:59.999`)
  return new Date(now.getTime() + days[choice] * 86_400_000)
}

/** For a date field: the local day of a moment. */
export function dayOf(moment: Date): string {
  const part = (value: number) => String(value).padStart(2, '0')
  return `${moment.getFullYear()}-${part(moment.getMonth() + 1)}-${part(moment.getDate())}`
}
