/**
 * The way into uploading for every page: small, and there from the start. The queue, the engine and the tray come through it
 * when the first file does, or when an earlier page left something unfinished.
 */
import type { Component } from 'svelte'
import { pausedMark, unfinishedMark } from './marks.ts'
import type { FoundFiles, Uploads, UploadsOptions } from './uploads.svelte.ts'

export interface UploadDoor {
  /** Null until there was something to upload. */
  readonly uploads: Uploads | null
  readonly Tray: TrayComponent | null
  /** The album that files go into unless they say another; null for the library alone. */
  albumId: string | null
  /** What is dropped on the page that is open would be meant for something that the person may not add to. */
  isShut: boolean
  take(files: FoundFiles, options?: { albumId?: string | null; keep?: boolean }): Promise<void>
  /** Looks for what an earlier page left unfinished. */
  recover(): Promise<void>
  /** Somebody signed in again. */
  goOn(): void
  close(): Promise<void>
}

type TrayComponent = Component<{ uploads: Uploads; hasLibrary: boolean }>

export function createUploadDoor(options: UploadsOptions): UploadDoor {
  let uploads = $state.raw<Uploads | null>(null)
  let Tray = $state.raw<TrayComponent | null>(null)
  let albumId = $state<string | null>(null)
  let isShut = $state(false)
  let opening: Promise<Uploads> | null = null
  let isClosed = false

  async function load(): Promise<Uploads> {
    const mark = readMark()
    const [{ createUploads }, tray] = await Promise.all([import('./uploads.svelte.ts'), import('./UploadTray.svelte')])
    const made = await createUploads(options)
    if (!isClosed) {
      uploads = made
      Tray = tray.default
    }
    // Before anything new, so that files which are chosen again are known.
    if (mark !== null) await made.recover(mark === pausedMark)
    return made
  }

  function open(): Promise<Uploads> {
    opening ??= load().catch((error: unknown) => {
      // The next file tries again.
      opening = null
      throw error
    })
    return opening
  }

  return {
    get uploads() {
      return uploads
    },
    get Tray() {
      return Tray
    },
    get albumId() {
      return albumId
    },
    set albumId(value: string | null) {
      albumId = value
    },
    get isShut() {
      return isShut
    },
    set isShut(value: boolean) {
      isShut = value
    },
    async take(files, { albumId: into = albumId, keep = false } = {}) {
      const opened = await open()
      await opened.take(files, { albumId: into, keep })
    },
    async recover() {
      if (readMark() !== null) await open()
    },
    goOn: () => uploads?.queue.release('session'),
    async close() {
      isClosed = true
      uploads = null
      Tray = null
      await (await opening)?.close()
    },
  }
}

function readMark(): string | null {
  try {
    return localStorage.getItem(unfinishedMark)
  } catch {
    // Nothing is kept where storage is forbidden.
    return null
  }
}
