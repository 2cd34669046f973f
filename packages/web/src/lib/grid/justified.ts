/**
 * Rows of pictures that fill the width, each picture in its own shape. Greedy: a row ends where its height comes nearest to the
 * wanted one. Whole pixels, so that edges are sharp and a row is exactly as wide as the grid.
 */

export interface RowLimits {
  /** Pixels, at least 1. */
  width: number
  /** The height rows should have. */
  target: number
  /** Above which no row grows: rather another picture is taken in. */
  tallest: number
  gap: number
}

export interface Box {
  left: number
  top: number
  width: number
  height: number
}

export interface Row {
  top: number
  height: number
  /** Index of its first picture, and of the first one of the next row. */
  first: number
  end: number
}

export interface Justified {
  boxes: Box[]
  rows: Row[]
  /** Up to the end of the last row. */
  height: number
  /** Of the widest row. */
  width: number
}

/** Beyond these a picture is cut in the grid rather than shown as a thread. */
const narrowest = 0.5
const widest = 4

/** `isContinued`: what follows carries on the last row's day, so that it is filled like the others when it nearly is. */
export function justify(ratios: readonly number[], limits: RowLimits, isContinued = false): Justified {
  const shapes = ratios.map((ratio) => shapeOf(ratio, limits))
  const layout: Justified = { boxes: [], rows: [], height: 0, width: 0 }
  let first = 0
  let sum = 0
  for (let index = 0; index < shapes.length; index += 1) {
    const shape = shapes[index] ?? 1
    const withIt = heightOf(sum + shape, index - first + 1, limits)
    sum += shape
    if (withIt > limits.target) continue
    const without = index > first ? heightOf(sum - shape, index - first, limits) : Number.POSITIVE_INFINITY
    const endsBefore = without <= limits.tallest && without - limits.target < limits.target - withIt
    if (endsBefore) {
      addRow(layout, shapes.slice(first, index), first, limits, without)
      first = index
      sum = shape
      if (heightOf(sum, 1, limits) > limits.target) continue
    }
    addRow(layout, shapes.slice(first, index + 1), first, limits, heightOf(sum, index - first + 1, limits))
    first = index + 1
    sum = 0
  }
  if (first < shapes.length) {
    const filled = heightOf(sum, shapes.length - first, limits)
    addRow(layout, shapes.slice(first), first, limits, isContinued && filled <= limits.tallest ? filled : null)
  }
  return layout
}

/** Width by height as it is shown. Never so wide that a row of it alone would be hard to press. */
function shapeOf(ratio: number, { width, target }: RowLimits): number {
  const mostWide = Math.min(widest, Math.max(1, width / (target * 0.6)))
  return Math.min(Math.max(Number.isFinite(ratio) ? ratio : 1, narrowest), mostWide)
}

function heightOf(sum: number, count: number, { width, gap }: RowLimits): number {
  return (width - gap * (count - 1)) / sum
}

/** `exact`: the height at which the row fills the width; null for a last row, which keeps the wanted height. */
function addRow(layout: Justified, shapes: number[], first: number, limits: RowLimits, exact: number | null): void {
  const top = layout.rows.length === 0 ? 0 : layout.height + limits.gap
  const height = Math.max(1, Math.floor(exact ?? limits.target))
  const sum = shapes.reduce((total, shape) => total + shape, 0)
  const room = exact === null ? Math.round(sum * limits.target) : limits.width - limits.gap * (shapes.length - 1)
  let passed = 0
  for (const [at, shape] of shapes.entries()) {
    const from = Math.round((passed / sum) * room)
    passed += shape
    const to = Math.round((passed / sum) * room)
    layout.boxes.push({ left: from + at * limits.gap, top, width: Math.max(1, to - from), height })
  }
  layout.rows.push({ top, height, first, end: first + shapes.length })
  layout.height = top + height
  layout.width = Math.max(layout.width, room + limits.gap * (shapes.length - 1))
}
