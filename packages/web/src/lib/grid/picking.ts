/** Selecting in a grid by mouse and by touch. Keys are in `keys.ts`. */
import type { TimelineItem } from './item.ts'
import type { Selection } from './selection.svelte.ts'
import { findLoaded, type GridSource } from './source.ts'

export interface PickingOptions {
  source(): GridSource
  /** Null where nothing can be selected. */
  selection(): Selection | null
  /** The item at a point of the window. */
  itemAt(x: number, y: number): TimelineItem | null
  /** What a press does in place of following the link. */
  open(): ((item: TimelineItem) => void) | undefined
}

/** Milliseconds until a touch counts as long, and pixels it may move meanwhile. */
const longPress = 420
const slack = 10
/** Pixels from the edges of the window at which a drag scrolls, and how far in a frame. */
const edge = 96
const stride = 14

export async function selectRange(source: GridSource, selection: Selection, to: TimelineItem): Promise<void> {
  const from = selection.anchor === null ? null : await source.indexOf(selection.anchor)
  const end = await source.indexOf(to.id)
  if (from === null || end === null) return selection.toggle(to)
  selection.add(await source.range(Math.min(from, end), Math.max(from, end)))
  selection.anchor = to.id
}

/** The items of a day, also those that are in the sections before and after. */
export async function itemsOfDay(source: GridSource, day: string): Promise<TimelineItem[]> {
  const isOfDay = (item: TimelineItem) => item.takenAt.startsWith(day)
  const at = source.sections.findIndex(({ items }) => items?.some(isOfDay))
  for (let next = at; next !== -1; next += 1) {
    const section = source.sections[next]
    if (section === undefined || section.month !== day.slice(0, 7)) break
    if (!section.isCurrent) await source.load(section)
    const last = source.sections[next]?.items?.at(-1)
    if (last === undefined || !isOfDay(last)) break
  }
  return source.sections.flatMap(({ items }) => items?.filter(isOfDay) ?? [])
}

/** An attachment for the element of the grid. */
export function createPicking(options: PickingOptions) {
  return function attach(grid: HTMLElement): () => void {
    let press: { x: number; y: number; timer: ReturnType<typeof setTimeout> } | null = null
    let drag: { from: string; x: number; y: number } | null = null
    let scrolling = 0

    const itemOf = (target: EventTarget | null): TimelineItem | null => {
      const id = (target as Element | null)?.closest<HTMLElement>('[data-id]')?.dataset.id
      return id === undefined ? null : options.source().find(id)
    }

    function onclick(event: MouseEvent): void {
      const selection = options.selection()
      const target = event.target as Element
      if (event.ctrlKey || event.metaKey) return
      if (selection === null) {
        open(event)
        return
      }
      const day = target.closest<HTMLElement>('[data-day]')?.dataset.day
      if (day !== undefined) {
        void itemsOfDay(options.source(), day).then((items) => selection.toggleAll(items))
        return
      }
      const item = itemOf(target)
      if (item === null) return
      const isCheck = target.closest('[data-check]') !== null
      if (!isCheck && !selection.isActive && !event.shiftKey) {
        open(event)
        return
      }
      // Not to the viewer.
      event.preventDefault()
      if (event.shiftKey && selection.anchor !== null) void selectRange(options.source(), selection, item)
      else selection.toggle(item)
    }

    function open(event: MouseEvent): void {
      const item = itemOf(event.target)
      const opening = options.open()
      if (item === null || opening === undefined) return
      event.preventDefault()
      opening(item)
    }

    function onpointerdown(event: PointerEvent): void {
      end()
      const item = itemOf(event.target)
      if (event.pointerType !== 'touch' || options.selection() === null || item === null) return
      const timer = setTimeout(() => begin(item), longPress)
      press = { x: event.clientX, y: event.clientY, timer }
    }

    function begin(item: TimelineItem): void {
      const selection = options.selection()
      if (press === null || selection === null) return
      drag = { from: item.id, x: press.x, y: press.y }
      selection.beginDrag(item)
      navigator.vibrate?.(12)
      scrolling = requestAnimationFrame(scrollAtEdge)
    }

    function onpointermove(event: PointerEvent): void {
      if (drag !== null) {
        drag.x = event.clientX
        drag.y = event.clientY
        reach()
      } else if (press !== null && Math.hypot(event.clientX - press.x, event.clientY - press.y) > slack) {
        end()
      }
    }

    /** What is between the beginning of the drag and the finger; both are loaded, for both were on the screen. */
    function reach(): void {
      const selection = options.selection()
      const to = drag === null ? null : options.itemAt(drag.x, drag.y)
      if (drag === null || to === null || selection === null) return
      const { sections } = options.source()
      const one = findLoaded(sections, drag.from)
      const other = findLoaded(sections, to.id)
      if (one === null || other === null) return
      const [first, last] = one.index < other.index ? [one, other] : [other, one]
      const items = sections.slice(first.section, last.section + 1).flatMap((section) => section.items ?? [])
      const begin = items.findIndex(({ id }) => id === first.item.id)
      const end = items.findIndex(({ id }) => id === last.item.id)
      selection.drag(items.slice(begin, end + 1))
    }

    function scrollAtEdge(): void {
      if (drag === null) return
      const step = drag.y < edge ? -stride : drag.y > innerHeight - edge ? stride : 0
      if (step !== 0) {
        scrollBy(0, step)
        reach()
      }
      scrolling = requestAnimationFrame(scrollAtEdge)
    }

    function end(): void {
      if (press !== null) clearTimeout(press.timer)
      cancelAnimationFrame(scrolling)
      press = null
      drag = null
    }

    /** The press that selected is no press on the link, nor does it open the browser's menu. */
    function onclickBefore(event: MouseEvent): void {
      if (drag !== null) {
        event.preventDefault()
        event.stopPropagation()
      }
      end()
    }
    function oncontextmenu(event: Event): void {
      if (press !== null) event.preventDefault()
    }
    // Not passive: only so a drag does not scroll the page. Until a press is long it lets everything through.
    function ontouchmove(event: TouchEvent): void {
      if (drag !== null && event.cancelable) event.preventDefault()
    }
    function onpointerup(): void {
      // The click comes after this, and is taken by then.
      setTimeout(end)
    }

    const listening = new AbortController()
    const { signal } = listening
    grid.addEventListener('click', onclickBefore, { signal, capture: true })
    grid.addEventListener('click', onclick, { signal })
    grid.addEventListener('pointerdown', onpointerdown, { signal })
    grid.addEventListener('contextmenu', oncontextmenu, { signal })
    grid.addEventListener('touchmove', ontouchmove, { signal, passive: false })
    addEventListener('pointermove', onpointermove, { signal })
    addEventListener('pointerup', onpointerup, { signal })
    addEventListener('pointercancel', end, { signal })
    return () => {
      end()
      listening.abort()
    }
  }
}
