/** The album that a page shows, for the viewer above it. */
import { createContext } from 'svelte'
import type { OpenAlbum } from './open-album.svelte.ts'

export const [useAlbum, provideAlbum] = createContext<OpenAlbum>()
