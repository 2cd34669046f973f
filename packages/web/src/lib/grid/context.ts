/** What a page with a grid shares with the viewer above it. */
import { createContext } from 'svelte'
import type { Selection } from './selection.svelte.ts'
import type { GridSource } from './source.ts'

export interface GridContext {
  readonly source: GridSource
  readonly selection: Selection
  /** The address of an item in the viewer, and of the grid without it. */
  hrefOf(id: string): string
  readonly closeHref: string
  /** Scrolls the grid under a viewer to an item that is loaded; with `focus` that one is where the keyboard goes on. */
  reveal(id: string, options?: { focus?: boolean }): void
}

/** Where the screen is in a grid, to come back to it. */
export interface GridPlace {
  /** Of the section. */
  key: string
  /** How far into it: 0 to 1. */
  at: number
}

export const [useGrid, provideGrid] = createContext<GridContext>()
