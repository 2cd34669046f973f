/**
 * The library in order of time. Months with their counts are known from the start, so everything has its place; items come in
 * pieces near the screen and are forgotten far from it, so memory is bounded however large the library is.
 */
import { ApiProblem, type AssetKind } from '@heliograph/client'
import { client } from '../api.ts'
import type { FirstData } from '../first-data.ts'
import { type Change, changes } from './changes.ts'
import { chunksOf, filled, inserted, type Month, offsetInMonth, recount, trimmed, updated, without } from './chunks.ts'
import { itemOf, type TimelineItem } from './item.ts'
import { live } from './live.ts'
import { createPause } from './pause.ts'
import { countBefore, findLoaded, type GridSection, type GridSource, locate, monthOf } from './source.ts'

export interface TimelineFilter {
  kind?: AssetKind
  favorite?: boolean
  /** What the server wrote into the page. */
  first?: FirstData['timeline']
}

/** Pieces that stay loaded: some 16,000 items. */
const mostLoaded = 40
/** Items that were taken away and may be put back as they were. */
const mostRemoved = 2000
/** Milliseconds in which what changes is gathered before the months are counted again. */
const gathering = 600

export function createTimelineSource(filter: TimelineFilter = {}): GridSource {
  return new TimelineSource(filter)
}

class TimelineSource implements GridSource {
  readonly hasDays = true
  sections = $state.raw<readonly GridSection[]>([])
  state = $state<GridSource['state']>('loading')
  error = $state.raw<unknown>(null)
  readonly length = $derived(countBefore(this.sections, this.sections.length))

  readonly #query: { kind?: AssetKind; favorite?: boolean }
  readonly #loading = new Map<string, Promise<void>>()
  readonly #removed = new Map<string, TimelineItem>()
  readonly #doubtful = new Set<string>()
  readonly #close: (() => void)[]
  readonly #counting = createPause(gathering, () => this.#count())
  #ready: Promise<void>

  constructor({ kind, favorite, first = null }: TimelineFilter) {
    this.#query = { ...(kind === undefined ? {} : { kind }), ...(favorite === undefined ? {} : { favorite }) }
    if (first === null || first === undefined) {
      this.#ready = this.#count()
    } else {
      this.#begin(first)
      this.#ready = Promise.resolve()
    }
    this.#close = [changes.follow((change) => this.#apply(change)), live.open()]
  }

  close(): void {
    for (const end of this.#close) end()
    this.#counting.stop()
  }

  readAgain(id: string): void {
    live.readAgain(id)
  }

  #begin({ months, first }: NonNullable<FirstData['timeline']>): void {
    const sections = chunksOf(months)
    this.sections = sections.map((section, index) => {
      if (index > 0 || section.month !== first.month) return section
      const items = first.items.slice(0, section.count)
      const isCurrent = items.length === section.count
      return { ...section, items, isCurrent, isPrefix: !isCurrent }
    })
    this.state = 'ready'
  }

  async #count(): Promise<void> {
    try {
      const { items } = await client.request<{ items: Month[] }>('GET', '/v1/timeline', { query: this.#query })
      this.sections = recount(this.sections, items, (month) => this.#doubtful.has(month))
      this.#doubtful.clear()
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
    this.#ready = this.#count()
  }

  load(section: GridSection): Promise<void> {
    if (section.isCurrent) return Promise.resolve()
    const known = this.#loading.get(section.key)
    if (known !== undefined) return known
    const loading = this.#load(section)
      .catch((error: unknown) => {
        this.error = error
      })
      .finally(() => this.#loading.delete(section.key))
    this.#loading.set(section.key, loading)
    return loading
  }

  async #load(asked: GridSection): Promise<void> {
    const at = this.sections.findIndex(({ key }) => key === asked.key)
    const section = this.sections[at]
    if (section === undefined) return
    const offset = offsetInMonth(this.sections, at)
    const before = offset > 0 ? 1 : 0
    const answer = await client.request<{ items: TimelineItem[] }>('GET', `/v1/timeline/${section.month}`, {
      query: { ...this.#query, offset: offset - before, limit: section.count + before + 1 },
    })
    const items = answer.items.slice(before, before + section.count)
    if (items.length < section.count) this.#doubt(section.month)
    this.error = null
    const now = this.sections.findIndex(({ key }) => key === asked.key)
    // Changed while it was on its way: what came may be older than what is shown, so it is asked for again.
    if (this.sections[now]?.count !== section.count) return
    const neighbours = {
      before: before === 1 ? (answer.items[0] ?? null) : null,
      after: answer.items[before + section.count] ?? null,
    }
    this.sections = this.sections.with(now, filled(section, { ...neighbours, items }))
  }

  keepNear(first: number, last: number): void {
    this.sections = trimmed(this.sections, { first, last }, mostLoaded)
  }

  find(id: string): TimelineItem | null {
    return findLoaded(this.sections, id)?.item ?? null
  }

  async indexOf(id: string): Promise<number | null> {
    await this.#ready
    const loaded = findLoaded(this.sections, id)
    if (loaded !== null) return loaded.index
    const item = await readItem(id)
    if (item === null) return null
    const pieces = this.sections.filter(({ month }) => month === monthOf(item))
    let low = 0
    let high = pieces.length
    while (low < high) {
      const middle = (low + high) >> 1
      const piece = pieces[middle]
      if (piece === undefined) break
      await this.load(piece)
      const found = findLoaded(this.sections, id)
      if (found !== null) return found.index
      const items = this.sections.find(({ key }) => key === piece.key)?.items ?? []
      if ((items[0]?.takenAt ?? '') <= item.takenAt) high = middle
      else low = middle + 1
    }
    return null
  }

  async at(index: number): Promise<TimelineItem | null> {
    return (await this.range(index, index))[0] ?? null
  }

  async range(from: number, to: number): Promise<TimelineItem[]> {
    await this.#ready
    const end = Math.min(to, this.length - 1)
    const [first, last] = [locate(this.sections, from)?.section, locate(this.sections, end)?.section]
    if (first === undefined || last === undefined) return []
    const keys = this.sections.slice(first, last + 1).map(({ key }) => key)
    const before = countBefore(this.sections, first)
    const items: TimelineItem[] = []
    for (const key of keys) {
      const section = this.sections.find((other) => other.key === key)
      if (section === undefined) continue
      if (section.items?.length !== section.count) await this.load(section)
      items.push(...(this.sections.find((other) => other.key === key)?.items ?? []))
    }
    return items.slice(from - before, end - before + 1)
  }

  #apply(change: Change): void {
    if (change.removed !== undefined) this.#remove(new Set(change.removed))
    if (change.restored !== undefined) this.#restore(change.restored)
    if (change.favorite !== undefined) this.#setFavorite(change.favorite.ids, change.favorite.value)
    if (change.updated !== undefined) this.#update(change.updated)
    if (change.missed === true) this.#counting.now()
    if (change.reset === true) {
      for (const { month } of this.sections) this.#doubt(month)
      this.#counting.now()
    }
  }

  #remove(ids: ReadonlySet<string>): void {
    let unknown = ids.size
    for (const item of this.sections.flatMap(({ items }) => items ?? [])) {
      if (!ids.has(item.id)) continue
      unknown -= 1
      this.#removed.set(item.id, item)
    }
    for (const id of [...this.#removed.keys()].slice(0, Math.max(0, this.#removed.size - mostRemoved)))
      this.#removed.delete(id)
    this.sections = without(this.sections, ids)
    // It may be in a piece that is not loaded.
    if (unknown > 0) this.#counting.soon()
  }

  #restore(ids: readonly string[]): void {
    const items = ids.flatMap((id) => this.#removed.get(id) ?? [])
    for (const { id } of items) this.#removed.delete(id)
    this.sections = inserted(this.sections, items)
    if (items.length < ids.length) this.#counting.soon()
  }

  #setFavorite(ids: readonly string[], value: boolean): void {
    const items = ids.flatMap((id) => this.find(id) ?? this.#removed.get(id) ?? [])
    if (this.#query.favorite === true) {
      if (value) this.#restore(ids)
      else this.#remove(new Set(ids))
      return
    }
    this.sections = updated(this.sections, new Map(items.map((item) => [item.id, { ...item, favorite: value }])))
  }

  #update(items: readonly TimelineItem[]): void {
    const here = items.filter((item) => this.#takes(item))
    const known = here.filter(({ id }) => this.find(id) !== null)
    this.sections = updated(this.sections, new Map(known.map((item) => [item.id, item])))
    const gone = items.filter((item) => !this.#takes(item) && this.find(item.id) !== null)
    if (gone.length > 0) this.#remove(new Set(gone.map(({ id }) => id)))
    // New, or in a piece that is not loaded: the counts tell.
    if (known.length < here.length) this.#counting.soon()
  }

  #takes(item: TimelineItem): boolean {
    const { kind, favorite } = this.#query
    return (kind === undefined || item.kind === kind) && (favorite !== true || item.favorite)
  }

  #doubt(month: string | null): void {
    if (month !== null) this.#doubtful.add(month)
    this.#counting.soon()
  }
}

async function readItem(id: string): Promise<TimelineItem | null> {
  try {
    const asset = await client.assets.get(id)
    return asset.trashedAt === null ? itemOf(asset) : null
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return null
    throw error
  }
}
