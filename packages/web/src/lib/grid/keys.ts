/** The keyboard in a grid: arrows walk from tile to tile, the space bar and X select, Delete removes. Enter is the link's own. */
import type { TimelineItem } from './item.ts'
import { selectRange } from './picking.ts'
import type { Selection } from './selection.svelte.ts'
import type { GridSource } from './source.ts'

export type Direction = 'left' | 'right' | 'up' | 'down' | 'first' | 'last'

export interface KeysOptions {
  source(): GridSource
  selection(): Selection | null
  /** The next item that way, loaded when need be, scrolled to and focused. */
  move(from: string, direction: Direction): Promise<TimelineItem | null>
  selectMonth(): void
  /** What the Delete key does; undefined for nothing. */
  remove(): ((ids: string[]) => void) | undefined
}

const directions: Record<string, Direction> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
  Home: 'first',
  End: 'last',
}

/** An attachment for the element of the grid. */
export function createKeys(options: KeysOptions) {
  return function attach(grid: HTMLElement): () => void {
    const focused = (target: EventTarget | null): TimelineItem | null => {
      const id = (target as Element | null)?.closest<HTMLElement>('[data-id]')?.dataset.id
      return id === undefined ? null : options.source().find(id)
    }

    async function move(item: TimelineItem, direction: Direction, isExtending: boolean): Promise<void> {
      const next = await options.move(item.id, direction)
      const selection = options.selection()
      if (next === null || selection === null || !isExtending) return
      if (selection.anchor === null) selection.toggle(item)
      await selectRange(options.source(), selection, next)
    }

    function onkeydown(event: KeyboardEvent): void {
      const item = focused(event.target)
      const selection = options.selection()
      if (item === null || event.ctrlKey || event.metaKey || event.altKey) return
      const direction = directions[event.key]
      if (direction !== undefined) {
        event.preventDefault()
        void move(item, direction, event.shiftKey)
      } else if (event.key === ' ' || event.key === 'x') {
        // On the check itself the space bar presses it.
        if (selection === null || (event.target as Element).closest('[data-check]') !== null) return
        event.preventDefault()
        if (event.shiftKey) void selectRange(options.source(), selection, item)
        else selection.toggle(item)
      } else if (event.key === 'Delete' || event.key === '#') {
        const remove = options.remove()
        if (remove === undefined) return
        event.preventDefault()
        remove(selection?.isActive === true ? selection.ids : [item.id])
      }
    }

    /** Wherever the focus is, unless something is typed or a dialog is open. */
    function onwindowkey(event: KeyboardEvent): void {
      const selection = options.selection()
      if (selection === null || event.defaultPrevented || isElsewhere(event.target)) return
      if (event.key === 'Escape' && selection.isActive) {
        event.preventDefault()
        selection.clear()
      } else if (event.key === 'a' && (event.ctrlKey || event.metaKey) && !event.shiftKey) {
        event.preventDefault()
        options.selectMonth()
      } else if (event.key === 'Delete' && selection.isActive && !grid.contains(event.target as Node)) {
        options.remove()?.(selection.ids)
      }
    }

    grid.addEventListener('keydown', onkeydown)
    addEventListener('keydown', onwindowkey)
    return () => {
      grid.removeEventListener('keydown', onkeydown)
      removeEventListener('keydown', onwindowkey)
    }
  }
}

function isElsewhere(target: EventTarget | null): boolean {
  if (document.querySelector('dialog[open], [aria-modal="true"]') !== null) return true
  return (
    target instanceof Element && target.closest('input, textarea, select, [contenteditable], [role="menu"]') !== null
  )
}
