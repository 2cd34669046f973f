/** What is selected in a grid: by clicks, ranges, days, long presses and keys. */
import type { TimelineItem } from './item.ts'

/** Enough to act on it when it is not loaded any more. */
export type SelectedItem = Pick<TimelineItem, 'id' | 'kind' | 'favorite' | 'takenAt'>

export type Selection = ReturnType<typeof createSelection>

export function createSelection() {
  return new GridSelection()
}

class GridSelection {
  #items = $state.raw<ReadonlyMap<string, SelectedItem>>(new Map())
  /** Where a range begins. */
  anchor = $state.raw<string | null>(null)
  /** What a drag adds to. */
  #before: ReadonlyMap<string, SelectedItem> = new Map()

  get size(): number {
    return this.#items.size
  }

  get isActive(): boolean {
    return this.#items.size > 0
  }

  get ids(): string[] {
    return [...this.#items.keys()]
  }

  get items(): SelectedItem[] {
    return [...this.#items.values()]
  }

  has(id: string): boolean {
    return this.#items.has(id)
  }

  hasAll(items: readonly SelectedItem[]): boolean {
    return items.length > 0 && items.every(({ id }) => this.#items.has(id))
  }

  toggle(item: SelectedItem): void {
    if (this.has(item.id)) this.remove([item.id])
    else this.add([item])
    this.anchor = item.id
  }

  add(items: readonly SelectedItem[]): void {
    this.#items = new Map([...this.#items, ...items.map((item) => [item.id, item] as const)])
  }

  remove(ids: readonly string[]): void {
    const gone = new Set(ids)
    if (![...gone].some((id) => this.#items.has(id))) return
    this.#items = new Map([...this.#items].filter(([id]) => !gone.has(id)))
  }

  toggleAll(items: readonly SelectedItem[]): void {
    if (this.hasAll(items)) this.remove(items.map(({ id }) => id))
    else this.add(items)
  }

  clear(): void {
    if (this.#items.size > 0) this.#items = new Map()
    this.anchor = null
  }

  beginDrag(item: SelectedItem): void {
    this.add([item])
    this.anchor = item.id
    this.#before = this.#items
  }

  /** The items from where the drag began to where it is, and what was selected before. */
  drag(items: readonly SelectedItem[]): void {
    this.#items = new Map([...this.#before, ...items.map((item) => [item.id, item] as const)])
  }

  favorited(ids: readonly string[], value: boolean): void {
    const changed = ids.flatMap((id) => this.#items.get(id) ?? [])
    if (changed.length > 0) this.add(changed.map((item) => ({ ...item, favorite: value })))
  }
}
