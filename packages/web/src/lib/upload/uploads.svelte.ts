/**
 * The uploads of one account, or of a guest by one link, as the tray shows them: the queue, what survives a reload of it, and
 * numbers that are read from it a few times a second and never per file. Loaded when the first file comes.
 */
import {
  type Asset,
  createBrowserResumeStore,
  createMemoryResumeStore,
  createUploader,
  createWorkerHasher,
  isTransient,
  type UploadClient,
} from '@heliograph/client'
import HashWorker from '@heliograph/client/hash-worker?worker'
import { changes } from '../grid/changes.ts'
import { live } from '../grid/live.ts'
import { i18n } from '../i18n/i18n.svelte.ts'
import { explainUpload } from './explain-upload.ts'
import { kindOfFile } from './media-files.ts'
import { createCalmClock, createPace, type SpokenSpan, spokenSpan } from './pace.ts'
import type { PendingFile } from './pending-store.ts'
import { createPreparing, type Preparing } from './preparing.ts'
import { createQueue, type Entry, type Hold, type NewEntry, type Totals } from './queue.ts'
import { createSurvival, type Survival } from './survival.ts'
import type { Found, Unreadable } from './walk.ts'
import { createLeaveGuard, createTabTitle, createWakeLock } from './while-uploading.ts'

export interface UploadsOptions {
  client: UploadClient
  /** Whose uploads these are: an account's id, or a link. */
  scope: string
  /** Resolves when the server answers. */
  ping(): Promise<unknown>
  /** Bytes that still fit, if that can be known. */
  findRoom?: () => Promise<number | null>
  /** Bytes. */
  maxFileSize: number | null
  /** The events of the account tell when pictures are ready; guests have none. */
  hasEvents: boolean
  /** The server wants to know again who this is. */
  onSessionEnded(): void
  onAdded?(asset: Asset, albumId: string | null): void
  /** Everything that was to be done is done. */
  onIdle?(): void
}

export interface TakeOptions {
  albumId: string | null
  /** Nobody can choose these files again. */
  keep?: boolean
}

export type FoundFiles = AsyncIterable<Found | Unreadable> | Iterable<Found | Unreadable>

export interface Row {
  entry: Entry
  id: number
  name: string
  size: number
  state: Entry['state'] | 'hashing' | 'planning' | 'verifying'
  /** From 0 to 1. */
  fraction: number
}

/** Files that failed for the same reason. */
export interface FailureGroup {
  text: string
  count: number
  entries: Entry[]
}

export interface UploadsView {
  state: 'empty' | 'working' | 'done'
  holds: ReadonlySet<Hold>
  totals: Totals
  /** From 0 to 1. */
  fraction: number
  doneBytes: number
  allBytes: number
  doneFiles: number
  leftFiles: number
  bytesPerSecond: number | null
  left: SpokenSpan | null
  /** Files found so far in folders that are being looked through; null when none is. */
  reading: number | null
  leftOut: number
  unreadable: number
  waiting: number
  rows: { open: Row[]; next: Row[]; recent: Row[] }
  failures: FailureGroup[]
  preparing: number
  notPrepared: number
  /** The one album that everything went into; null when there were several or none. */
  albumId: string | null
}

export interface Unfinished {
  files: PendingFile[]
  /** Some can go on after a press; else they have to be chosen again. */
  canGoOn: boolean
}

/** Milliseconds between two looks at the queue. */
const lookEvery = 250
/** Files given to the queue at once, so that a page with thousands of them stays quick. */
const intakeSize = 50
/** Rows of each kind that are shown. */
const rowsShown = 8
const failuresShown = 20

export type Uploads = Awaited<ReturnType<typeof createUploads>>

export async function createUploads(options: UploadsOptions) {
  const survival: Survival = await createSurvival(options.scope)
  const worker = new HashWorker({ name: 'hash' })
  const uploader = createUploader({
    client: options.client,
    hasher: createWorkerHasher(worker),
    resumeStore: rememberedIds(),
    concurrency: { parts: partsAtOnce() },
    // Few tries, close together: what lasts longer is waited for by the queue, which says so.
    retry: { attempts: 4, baseMs: 400, capMs: 5_000 },
  })
  const pace = createPace(() => performance.now())
  const clock = createCalmClock(() => performance.now())
  const wakeLock = createWakeLock()
  const title = createTabTitle()
  const guard = createLeaveGuard()
  const preparing: Preparing | null = options.hasEvents
    ? createPreparing({
        follow: (listener) => changes.follow(listener),
        open: () => live.open(),
        touch(ids) {
          for (const id of ids) live.readAgain(id)
        },
        onChange: soon,
      })
    : null
  /** Files that are open, so that a folder which is dropped twice is uploaded once. */
  const open = new Map<string, number>()
  let unfinished: PendingFile[] = []
  const albums = new Set<string | null>()
  let failures: FailureGroup[] = []
  let areFailuresOld = false
  let reading = 0
  let found = 0
  let leftOut = 0
  let unreadable = 0
  let isDismissed = true
  let timer: ReturnType<typeof setTimeout> | undefined
  const queue = createQueue({
    uploader,
    ping: options.ping,
    ...(options.findRoom === undefined ? {} : { findRoom: options.findRoom }),
    maxFileSize: options.maxFileSize,
    onPlanned: ({ key }, uploadId) => key !== null && survival.planned(key, uploadId),
    onSettled,
    onSessionEnded: options.onSessionEnded,
    onChange: soon,
    onIdle,
  })

  let view = $state.raw<UploadsView>(look())
  let shownUnfinished = $state.raw<Unfinished | null>(null)
  let isExpanded = $state(false)

  // --- Coming in

  /** Takes what is media of what comes. Resolves when all of it was looked at. */
  async function take(files: FoundFiles, { albumId, keep = false }: TakeOptions): Promise<void> {
    if (queue.isIdle) begin()
    isDismissed = false
    albums.add(albumId)
    const walked = queue.expect()
    reading++
    try {
      let batch: Found[] = []
      for await (const one of files) {
        if ('unreadable' in one) {
          unreadable++
          continue
        }
        const kind = kindOfFile(one.file)
        if (kind === 'other') leftOut++
        if (kind !== 'media') continue
        found++
        batch.push(one)
        if (batch.length < intakeSize) continue
        admit(batch, albumId, keep)
        batch = []
        // Lets the page draw and answer presses.
        await new Promise((resolve) => setTimeout(resolve))
      }
      admit(batch, albumId, keep)
    } finally {
      reading--
      if (reading === 0) found = 0
      walked()
    }
  }

  function begin(): void {
    leftOut = 0
    unreadable = 0
    albums.clear()
    preparing?.clear()
    pace.restart()
  }

  function admit(batch: readonly Found[], albumId: string | null, keep: boolean): void {
    const entries: NewEntry[] = []
    for (const { file, path, root } of batch) {
      const known = takeUnfinished(file)
      const target = known?.albumId ?? albumId
      const identity = identityOf(file, path, target)
      if (open.has(identity)) continue
      open.set(identity, 1)
      const key = known?.key ?? survival.remember(file, { path, albumId: target, root, keep })
      entries.push({ key, source: file, path, albumId: target, uploadId: known?.uploadId ?? null })
    }
    queue.add(entries)
  }

  // --- What an earlier page left

  /** Of those that wait to be chosen again, the one that this file is. Phones give some files a new date each time. */
  function takeUnfinished(file: File): PendingFile | null {
    if (unfinished.length === 0) return null
    const same = (one: PendingFile) => one.name === file.name && one.size === file.size
    const at = unfinished.findIndex((one) => same(one) && one.lastModified === file.lastModified)
    const index = at >= 0 ? at : unfinished.findIndex(same)
    const [record = null] = index < 0 ? [] : unfinished.splice(index, 1)
    if (record !== null) showUnfinished()
    return record
  }

  /** Goes on with what can go on by itself, and lists the rest. `isPaused`: nothing moves before somebody says so. */
  async function recover(isPaused: boolean): Promise<void> {
    if (isPaused) pause()
    unfinished.push(...(await survival.claim()))
    if (unfinished.length > 0) await goOn(false)
  }

  /** `ask`: a person pressed it, so the browser may ask for permission. */
  async function goOn(ask: boolean): Promise<void> {
    const records = unfinished
    unfinished = []
    if (queue.isIdle) begin()
    const walked = queue.expect()
    try {
      for (const record of records) {
        const file = await survival.fileOf(record, ask)
        if (file === null) {
          unfinished.push(record)
          continue
        }
        isDismissed = false
        const { key, path, albumId, uploadId } = record
        albums.add(albumId)
        open.set(identityOf(file, path, albumId), 1)
        queue.add([{ key, source: file, path, albumId, uploadId }])
      }
    } finally {
      walked()
      showUnfinished()
    }
  }

  async function discardUnfinished(): Promise<void> {
    const records = unfinished
    unfinished = []
    showUnfinished()
    survival.forget(records.map(({ key }) => key))
    for (const { uploadId } of records) {
      // What cannot be removed now expires on the server by itself.
      if (uploadId !== null) await options.client.uploads.abort(uploadId).catch(() => undefined)
    }
  }

  function showUnfinished(): void {
    const canGoOn = unfinished.some(({ root }) => root !== null)
    shownUnfinished = unfinished.length === 0 ? null : { files: [...unfinished], canGoOn }
  }

  function pause(): void {
    survival.paused(true)
    queue.hold('person')
  }

  // --- What becomes of them

  function onSettled(entry: Entry): void {
    const { source, path, albumId, state, error, key, asset } = entry
    open.delete(identityOf(source, path, albumId))
    // What may succeed later is kept for later.
    if (key !== null && !(state === 'failed' && isTransient(error))) survival.forget([key])
    if (state === 'failed' || state === 'cancelled') areFailuresOld = true
    if (state !== 'added' || asset === null) return
    preparing?.add(asset)
    options.onAdded?.(asset, albumId)
  }

  function onIdle(): void {
    // What comes next is not meant by the pause of before.
    survival.paused(false)
    queue.release('person')
    if (albums.size > 1 || !albums.has(null)) {
      // Pages of albums do not hear of single additions.
      if (queue.totals.added + queue.totals.duplicates > 0) changes.emit({ reset: true })
    }
    options.onIdle?.()
  }

  // --- What is shown

  function soon(): void {
    timer ??= setTimeout(() => {
      timer = undefined
      refresh()
    }, lookEvery)
  }

  function refresh(): void {
    const isWorking = !queue.isIdle
    const isMoving = isWorking && queue.holds.size === 0
    const { doneBytes, doneFiles, sentBytes } = queue.progress()
    if (isMoving) pace.update({ bytes: doneBytes, files: doneFiles, sent: sentBytes })
    else pace.restart()
    view = look()
    wakeLock.want(isMoving)
    title.show(isWorking ? i18n.m.uploads.titleBusy(Math.floor(view.fraction * 100)) : null)
    guard.want(isMoving && wouldBeLost())
    if (isMoving) soon()
  }

  /** True when leaving now would cost somebody something: files that only they could find again. */
  function wouldBeLost(): boolean {
    for (const { key } of queue.active) if (key === null || !survival.isKept(key)) return true
    return false
  }

  function look(): UploadsView {
    const { totals, holds, waitingCount } = queue
    const { doneBytes, doneFiles, leftBytes, leftFiles } = queue.progress()
    const isWorking = !queue.isIdle
    if (areFailuresOld || failures.length > 0 !== queue.failed.size > 0) failures = groupFailures()
    const allBytes = doneBytes + leftBytes
    const byFiles = doneFiles + leftFiles === 0 ? 1 : doneFiles / (doneFiles + leftFiles)
    const isQuiet = isDismissed || (totals.files === 0 && leftOut === 0 && unreadable === 0 && reading === 0)
    return {
      state: isWorking ? 'working' : isQuiet ? 'empty' : 'done',
      holds: new Set(holds),
      totals: { ...totals },
      fraction: allBytes === 0 ? byFiles : doneBytes / allBytes,
      doneBytes,
      allBytes,
      doneFiles,
      leftFiles,
      bytesPerSecond: holds.size > 0 ? null : pace.bytesPerSecond,
      left: timeLeft(leftBytes, leftFiles),
      reading: reading > 0 ? found : null,
      leftOut,
      unreadable,
      waiting: waitingCount,
      rows: {
        open: [...queue.active, ...queue.paused].slice(0, rowsShown * 2).map(rowOf),
        next: queue.nextWaiting(3).map(rowOf),
        recent: queue.recent.slice(0, rowsShown).map(rowOf),
      },
      failures,
      preparing: preparing?.count ?? 0,
      notPrepared: preparing?.failed ?? 0,
      albumId: albums.size === 1 ? ([...albums][0] ?? null) : null,
    }
  }

  function timeLeft(bytes: number, files: number): SpokenSpan | null {
    const seconds = clock.show(queue.holds.size > 0 || reading > 0 ? null : pace.secondsLeft({ bytes, files }))
    return seconds === null ? null : spokenSpan(seconds)
  }

  function groupFailures(): FailureGroup[] {
    areFailuresOld = false
    const groups = new Map<string, FailureGroup>()
    for (const entry of queue.failed) {
      const text = explainUpload(entry.error, options, entry.albumId !== null)
      const group = groups.get(text) ?? { text, count: 0, entries: [] }
      group.count++
      if (group.entries.length < failuresShown) group.entries.push(entry)
      groups.set(text, group)
    }
    return [...groups.values()]
  }

  return {
    take,
    recover,
    goOn: () => goOn(true),
    discardUnfinished,
    queue,
    get view() {
      return view
    },
    get unfinished() {
      return shownUnfinished
    },
    get isExpanded() {
      return isExpanded
    },
    set isExpanded(value: boolean) {
      isExpanded = value
    },
    pause,
    resume() {
      survival.paused(false)
      queue.release('person')
    },
    retryAll() {
      queue.retryFailed()
      areFailuresOld = true
    },
    retry(entry: Entry) {
      queue.retry(entry)
      areFailuresOld = true
    },
    /** Takes the summary away. */
    dismiss() {
      isDismissed = true
      isExpanded = false
      begin()
      queue.clear()
      areFailuresOld = true
      refresh()
    },
    /** Ends it all here, as when another person signs in; what survives is theirs to find again. */
    async close() {
      queue.hold('session')
      guard.want(false)
      wakeLock.want(false)
      title.show(null)
      clearTimeout(timer)
      await survival.close()
      worker.terminate()
    },
  }
}

function rowOf(entry: Entry): Row {
  const { id, source, state, task } = entry
  const progress = task?.progress()
  const phase = state === 'active' ? progress?.state : undefined
  return {
    entry,
    id,
    name: source.name,
    size: source.size,
    state: phase === 'hashing' || phase === 'planning' || phase === 'verifying' ? phase : state,
    fraction: source.size === 0 || progress === undefined ? 0 : progress.uploadedBytes / source.size,
  }
}

function identityOf(
  { name, size, lastModified }: { name: string; size: number; lastModified?: number },
  path: string,
  albumId: string | null,
): string {
  return [path === '' ? name : path, size, lastModified ?? '', albumId ?? ''].join('|')
}

/**
 * Over HTTP/1.1 a browser has six connections to a server, and the page needs some of them itself: for its pictures, its
 * events and the next plan. Over one connection of HTTP/2 or 3 nothing stands in anybody's way.
 */
function partsAtOnce(): number {
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  return navigation?.nextHopProtocol === 'h2' || navigation?.nextHopProtocol === 'h3' ? 8 : 3
}

function rememberedIds() {
  try {
    return createBrowserResumeStore(localStorage)
  } catch {
    // Storage is forbidden here; within the page it is remembered all the same.
    return createMemoryResumeStore()
  }
}
