/** How large things are in the grid, by the width of the screen and of the grid itself. Pixels. */

export interface Metrics {
  width: number
  target: number
  tallest: number
  gap: number
  monthHeading: number
  dayHeading: number
  /** Between days. */
  dayGap: number
  /** Days of few pictures stand side by side at this distance; null where each begins a line. */
  sideBySide: number | null
  /** So that a heading over one narrow picture can be read. */
  narrowestDay: number
}

/** Wanted heights of rows by the width of the screen below which they apply. */
export const rowHeights = [
  { below: 600, height: 120 },
  { below: 1200, height: 168 },
  { below: Number.POSITIVE_INFINITY, height: 208 },
] as const

export function metricsFor(width: number, screenWidth: number): Metrics {
  const target = rowHeights.find(({ below }) => screenWidth < below)?.height ?? rowHeights[0].height
  const isPhone = screenWidth < 600
  return {
    width: Math.max(1, Math.floor(width)),
    target,
    tallest: Math.round(target * 1.4),
    gap: isPhone ? 3 : 4,
    monthHeading: isPhone ? 52 : 60,
    dayHeading: isPhone ? 40 : 44,
    dayGap: isPhone ? 10 : 16,
    sideBySide: isPhone ? null : 24,
    narrowestDay: 152,
  }
}
