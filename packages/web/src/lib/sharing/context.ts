/** The visit that a page of a link is, for the viewer above it. */
import { createContext } from 'svelte'
import type { visit } from './visit.svelte.ts'

export const [useVisit, provideVisit] = createContext<ReturnType<typeof visit>>()
