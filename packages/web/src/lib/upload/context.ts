import { createContext } from 'svelte'
import type { UploadDoor } from './door.svelte.ts'

/** The door of the page: of whoever is signed in, or of a guest on the page of a link. */
export const [useUploadDoor, setUploadDoor] = createContext<UploadDoor>()
