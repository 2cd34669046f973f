/** A list that comes in pages, one after the other while it is scrolled: albums, the trash, shared links. */
import type { Asset, Page } from '@heliograph/client'
import { type Change, changes } from './changes.ts'
import { itemOf, type TimelineItem } from './item.ts'
import type { GridSection, GridSource } from './source.ts'

export interface PagedSource extends GridSource {
  /** Begins again with the first page; what is shown stays until that is there. `total` when it is known to have changed. */
  reload(total?: number): Promise<void>
  /** The asset as its page brought it. */
  asset(id: string): Asset | null
}

export interface PagedOptions {
  /** What is restored leaves this list. */
  isTrash?: boolean
}

/** `total`: how many there are, when that is known before the last page. */
export function createPagedSource<A extends Asset = Asset>(
  loadPage: (cursor: string | null) => Promise<Page<A>>,
  total?: number,
  options: PagedOptions = {},
): PagedSource & { asset(id: string): A | null } {
  return new PagedList(loadPage, total ?? null, options)
}

class PagedList<A extends Asset> implements PagedSource {
  readonly hasDays = false
  state = $state<GridSource['state']>('loading')
  error = $state.raw<unknown>(null)
  #items = $state.raw<readonly TimelineItem[]>([])
  /** What the next page is asked with; undefined before the first one, null after the last. */
  #cursor = $state.raw<string | null | undefined>(undefined)
  #total = $state.raw<number | null>(null)
  readonly #assets = new Map<string, A>()
  readonly #removed = new Map<string, { item: TimelineItem; after: string | null }>()
  readonly #loadPage: (cursor: string | null) => Promise<Page<A>>
  readonly #isTrash: boolean
  readonly #close: () => void
  #loading: Promise<void> | null = null

  readonly length = $derived(
    this.#cursor === null
      ? this.#items.length
      : Math.max(this.#total ?? 0, this.#items.length + (this.#cursor === undefined ? 0 : 1)),
  )
  readonly sections = $derived<readonly GridSection[]>(
    this.length === 0
      ? []
      : [
          {
            key: 'all',
            month: null,
            count: this.length,
            items: this.#items,
            isCurrent: this.#cursor === null,
            isPrefix: this.#cursor !== null,
            continues: false,
            goesOn: this.#cursor !== null,
          },
        ],
  )

  constructor(loadPage: (cursor: string | null) => Promise<Page<A>>, total: number | null, options: PagedOptions) {
    this.#isTrash = options.isTrash ?? false
    this.#loadPage = loadPage
    this.#total = total
    this.#close = changes.follow((change) => this.#apply(change))
    void this.load()
  }

  close(): void {
    this.#close()
  }

  load(): Promise<void> {
    if (this.#cursor === null) return Promise.resolve()
    this.#loading ??= this.#next(this.#cursor ?? null).finally(() => {
      this.#loading = null
    })
    return this.#loading
  }

  async #next(cursor: string | null): Promise<void> {
    try {
      const page = await this.#loadPage(cursor)
      if (cursor === null) this.#assets.clear()
      const known = new Set(cursor === null ? [] : this.#items.map(({ id }) => id))
      const fresh = page.items.filter(({ id }) => !known.has(id))
      for (const asset of page.items) this.#assets.set(asset.id, asset)
      this.#items = [...(cursor === null ? [] : this.#items), ...fresh.map(itemOf)]
      this.#cursor = page.nextCursor
      this.state = 'ready'
      this.error = null
    } catch (error) {
      this.error = error
      if (this.state === 'loading') this.state = 'failed'
    }
  }

  retry(): void {
    this.error = null
    if (this.state === 'failed') this.state = 'loading'
    void this.load()
  }

  async reload(total?: number): Promise<void> {
    await this.#loading
    if (total !== undefined) this.#total = total
    this.#loading = this.#next(null).finally(() => {
      this.#loading = null
    })
    await this.#loading
  }

  asset(id: string): A | null {
    return this.#assets.get(id) ?? null
  }

  keepNear(): void {
    // A list in pages has no place for what was forgotten; it is as long as somebody scrolled.
  }

  find(id: string): TimelineItem | null {
    return this.#items.find((item) => item.id === id) ?? null
  }

  async indexOf(id: string): Promise<number | null> {
    for (;;) {
      const index = this.#items.findIndex((item) => item.id === id)
      if (index !== -1) return index
      if (!(await this.#more())) return null
    }
  }

  async at(index: number): Promise<TimelineItem | null> {
    while (index >= this.#items.length && (await this.#more()));
    return this.#items[index] ?? null
  }

  async range(from: number, to: number): Promise<TimelineItem[]> {
    await this.at(to)
    return this.#items.slice(Math.max(0, from), to + 1)
  }

  /** False when there is no more, or it did not come. */
  async #more(): Promise<boolean> {
    if (this.#cursor === null) return false
    await this.load()
    return this.error === null
  }

  #apply({ removed, isTrashed, restored, updated, favorite, reset }: Change): void {
    // That something went to the trash may be told after the trash was read.
    if (removed !== undefined && !(this.#isTrash && isTrashed === true)) this.#remove(new Set(removed))
    if (restored !== undefined && this.#isTrash) this.#remove(new Set(restored))
    else if (restored !== undefined) this.#restore(restored)
    if (favorite !== undefined) {
      const ids = new Set(favorite.ids)
      this.#items = this.#items.map((item) => (ids.has(item.id) ? { ...item, favorite: favorite.value } : item))
    }
    if (updated !== undefined) {
      const byId = new Map(updated.map((item) => [item.id, item]))
      if (this.#items.some(({ id }) => byId.has(id))) this.#items = this.#items.map((item) => byId.get(item.id) ?? item)
    }
    if (reset === true) void this.reload()
  }

  #remove(ids: ReadonlySet<string>): void {
    const left: TimelineItem[] = []
    for (const item of this.#items) {
      if (ids.has(item.id)) this.#removed.set(item.id, { item, after: left.at(-1)?.id ?? null })
      else left.push(item)
    }
    this.#lose(this.#items.length - left.length)
    this.#items = left
  }

  #restore(ids: readonly string[]): void {
    const items = [...this.#items]
    for (const id of ids) {
      const was = this.#removed.get(id)
      if (was === undefined || items.some((item) => item.id === id)) continue
      this.#removed.delete(id)
      items.splice(items.findIndex((item) => item.id === was.after) + 1, 0, was.item)
    }
    this.#lose(this.#items.length - items.length)
    this.#items = items
  }

  #lose(count: number): void {
    if (this.#total !== null) this.#total -= count
  }
}
