/**
 * The order in which files go to the upload engine, and what becomes of them. The engine gets a few at a time, so that a
 * queue of many thousands costs a record each and nothing more; every number that is shown is kept up to date by what
 * happens, so that showing it costs the same however long the queue is.
 *
 * What could go wrong: the network, the server or the session goes away in the middle. Then everything under way is paused
 * and goes on where it was, for as long as it takes; only what a file itself is refused for counts as its failure.
 */
import {
  ApiProblem,
  type Asset,
  isTransient,
  type Uploader,
  type UploadSource,
  type UploadTask,
} from '@heliograph/client'

export type EntryState = 'waiting' | 'active' | 'paused' | 'added' | 'duplicate' | 'restored' | 'failed' | 'cancelled'

export interface Entry {
  readonly id: number
  /** Of its record among those that survive a reload; null when it has none. */
  readonly key: string | null
  readonly source: UploadSource
  readonly path: string
  readonly albumId: string | null
  /** Of an upload begun before, to go on with. */
  readonly uploadId: string | null
  state: EntryState
  task: UploadTask | null
  error: unknown
  asset: Asset | null
}

export type NewEntry = Pick<Entry, 'key' | 'source' | 'path' | 'albumId' | 'uploadId'>

/** Why nothing moves: a person paused it, the server cannot be reached, or nobody is signed in. */
export type Hold = 'person' | 'network' | 'session'

export interface Totals {
  files: number
  bytes: number
  added: number
  /** The library had them, in the trash or not. */
  duplicates: number
  failed: number
}

export interface QueueOptions {
  uploader: Uploader
  /** Resolves when the server answers. */
  ping(): Promise<unknown>
  /** Bytes that still fit, if that can be known. */
  findRoom?: () => Promise<number | null>
  /** Bytes. */
  maxFileSize?: number | null
  /** Milliseconds to wait before asking a server that does not answer once more. */
  probeAfter?: (failures: number) => number
  onStarted?(entry: Entry): void
  /** It was planned: from here on the server has a part of it. */
  onPlanned?(entry: Entry, uploadId: string): void
  /** It is over, one way or another; failed ones may be tried again. */
  onSettled?(entry: Entry): void
  onSessionEnded?(): void
  /** Something is different; may be called often. */
  onChange?(): void
  /** Everything that was to be done is done. At once, however short it was: nobody has to look in between. */
  onIdle?(): void
}

export type UploadQueue = ReturnType<typeof createQueue>

/** Files given to the engine at once: those it transfers, and as many that it reads meanwhile. */
const openFiles = 8
/** Times a file may come to grief with the server answering and nothing of it getting through. */
const stumblesAllowed = 3
const recentKept = 30

export function createQueue(options: QueueOptions) {
  const { uploader, maxFileSize = null } = options
  const probeAfter = options.probeAfter ?? ((failures: number) => Math.min(30_000, 1000 * 2 ** (failures - 1)))
  let waiting: Entry[] = []
  /** Where `waiting` begins: taking from the front of a long array would cost its length. */
  let head = 0
  let waitingCount = 0
  let waitingBytes = 0
  const active = new Set<Entry>()
  const paused = new Set<Entry>()
  const failed = new Set<Entry>()
  const recent: Entry[] = []
  const holds = new Set<Hold>()
  const stumbles = new Map<Entry, { count: number; at: number }>()
  const watched = new WeakSet<Promise<unknown>>()
  const totals: Totals = { files: 0, bytes: 0, added: 0, duplicates: 0, failed: 0 }
  /** Of files that are over. */
  let settledBytes = 0
  let settledSent = 0
  let lastId = 0
  /** Folders that are still being walked. */
  let expected = 0
  let nextTry: { now(): void } | null = null
  /** Files from this size on do not fit any more, as the server said when it refused one. */
  let full: { from: number; error: unknown } | null = null

  /** Since the last `onIdle` there was something to do. */
  let isBusy = false

  const isIdle = () => expected === 0 && waitingCount === 0 && active.size === 0 && paused.size === 0

  function changed(): void {
    options.onChange?.()
    if (!isBusy || !isIdle()) return
    isBusy = false
    options.onIdle?.()
  }

  // --- Coming in

  function add(files: readonly NewEntry[]): Entry[] {
    if (isIdle()) startBatch()
    const entries = files.map((file): Entry => {
      return { ...file, id: ++lastId, state: 'waiting', task: null, error: null, asset: null }
    })
    for (const entry of entries) {
      totals.files++
      totals.bytes += entry.source.size
      enqueue(entry)
    }
    pump()
    changed()
    return entries
  }

  /** More will be added: until the returned function is called the queue is not done, however few there are yet. */
  function expect(): () => void {
    if (isIdle()) startBatch()
    expected++
    isBusy = true
    changed()
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      expected--
      changed()
    }
  }

  /** What was shown of files before, other than those that failed, is history. */
  function startBatch(): void {
    Object.assign(totals, { files: failed.size, bytes: 0, added: 0, duplicates: 0, failed: failed.size })
    settledBytes = 0
    settledSent = 0
    recent.length = 0
  }

  function enqueue(entry: Entry, where: 'front' | 'back' = 'back'): void {
    entry.state = 'waiting'
    isBusy = true
    waitingCount++
    waitingBytes += entry.source.size
    if (where === 'back') waiting.push(entry)
    else if (head > 0) waiting[--head] = entry
    else waiting.unshift(entry)
  }

  function takeNext(): Entry | null {
    while (head < waiting.length) {
      const entry = waiting[head++]
      if (entry?.state !== 'waiting') continue
      leaveWaiting(entry)
      if (head > 1000 && head * 2 > waiting.length) {
        waiting = waiting.slice(head)
        head = 0
      }
      return entry
    }
    waiting = []
    head = 0
    return null
  }

  function leaveWaiting(entry: Entry): void {
    waitingCount--
    waitingBytes -= entry.source.size
  }

  // --- Going on

  function pump(): void {
    while (holds.size === 0 && active.size < openFiles) {
      const entry = takeNext()
      if (entry === null) return
      const refusal = refusalOf(entry)
      if (refusal !== null) fail(entry, refusal)
      else start(entry)
    }
  }

  /** Why a file need not be tried, as far as is known. */
  function refusalOf({ source }: Entry): unknown {
    if (maxFileSize !== null && source.size > maxFileSize) {
      const detail = `The file has ${source.size} bytes; at most ${maxFileSize} are allowed.`
      return new ApiProblem({ type: '/problems/file-too-large', title: 'File too large', status: 413, detail })
    }
    return full !== null && source.size >= full.from ? full.error : null
  }

  function start(entry: Entry): void {
    entry.state = 'active'
    entry.error = null
    active.add(entry)
    if (entry.task === null) {
      const { source, albumId, uploadId } = entry
      const task = uploader.add(source, {
        ...(albumId === null ? {} : { plan: { albumId } }),
        ...(uploadId === null ? {} : { uploadId }),
      })
      entry.task = task
      let isPlanned = false
      task.subscribe(() => {
        if (!isPlanned && task.uploadId !== null) {
          isPlanned = true
          options.onPlanned?.(entry, task.uploadId)
        }
      })
    } else {
      entry.task.resume()
    }
    watch(entry, entry.task)
    options.onStarted?.(entry)
  }

  function watch(entry: Entry, task: UploadTask): void {
    // A task that was paused goes on with the promise it had.
    const { done } = task
    if (watched.has(done)) return
    watched.add(done)
    void done.then((outcome) => {
      active.delete(entry)
      paused.delete(entry)
      if (outcome.state === 'cancelled') forget(entry)
      else if (outcome.state === 'failed') stumble(entry, task, outcome.error)
      else succeed(entry, task, outcome.state === 'completed' ? 'added' : outcome.state, outcome.asset)
      pump()
      changed()
    })
  }

  // --- Being over

  function succeed(entry: Entry, task: UploadTask, state: 'added' | 'duplicate' | 'restored', asset: Asset): void {
    settledBytes += entry.source.size
    settledSent += task.progress().sentBytes
    entry.state = state
    entry.asset = asset
    // Its hash, its session and its URLs.
    entry.task = null
    stumbles.delete(entry)
    if (state === 'added') totals.added++
    else totals.duplicates++
    recent.unshift(entry)
    if (recent.length > recentKept) recent.pop()
    options.onSettled?.(entry)
  }

  function stumble(entry: Entry, task: UploadTask, error: unknown): void {
    if (error instanceof ApiProblem && error.status === 401) {
      enqueue(entry, 'front')
      if (!holds.has('session')) {
        hold('session')
        options.onSessionEnded?.()
      }
      return
    }
    const before = stumbles.get(entry)
    const at = task.progress().uploadedBytes
    const count = before === undefined || at > before.at ? 1 : before.count + 1
    if (isTransient(error) && count <= stumblesAllowed) {
      stumbles.set(entry, { count, at })
      enqueue(entry, 'front')
      networkLost()
      return
    }
    if (isFull(error)) void noteFull(entry, error)
    fail(entry, error)
  }

  function fail(entry: Entry, error: unknown): void {
    entry.state = 'failed'
    entry.error = error
    stumbles.delete(entry)
    failed.add(entry)
    totals.failed++
    totals.bytes -= entry.source.size
    options.onSettled?.(entry)
  }

  /** Nobody wants it any more. */
  function forget(entry: Entry): void {
    if (entry.state === 'cancelled') return
    if (failed.delete(entry)) totals.failed--
    else totals.bytes -= entry.source.size
    totals.files--
    entry.state = 'cancelled'
    entry.task = null
    stumbles.delete(entry)
    options.onSettled?.(entry)
  }

  /** Files that cannot fit are not read and hashed only to be refused one by one. */
  async function noteFull(entry: Entry, error: unknown): Promise<void> {
    const from = isDiskFull(error) ? 0 : entry.source.size
    if (full === null || from < full.from) full = { from, error }
    const room = isDiskFull(error) ? null : await options.findRoom?.().catch(() => null)
    if (room !== null && room !== undefined && full !== null) full.from = Math.min(full.from, room + 1)
    pump()
    changed()
  }

  // --- Resting

  function hold(reason: Hold): void {
    if (holds.has(reason)) return
    holds.add(reason)
    for (const { task } of active) void task?.pause()
    changed()
  }

  function release(reason: Hold): void {
    if (!holds.delete(reason) || holds.size > 0) return
    for (const { task } of active) task?.resume()
    pump()
    changed()
  }

  /** Everything waits until the server answers again, which is asked for at longer and longer distances. */
  function networkLost(): void {
    if (holds.has('network')) return
    hold('network')
    void waitForServer()
  }

  async function waitForServer(): Promise<void> {
    for (let failures = 1; holds.has('network'); failures++) {
      try {
        await options.ping()
        return release('network')
      } catch {
        // Whatever it was: nothing can be sent yet.
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, probeAfter(failures))
          nextTry = {
            now() {
              clearTimeout(timer)
              resolve()
            },
          }
        })
        nextTry = null
      }
    }
  }

  // --- One file

  function pauseEntry(entry: Entry): void {
    if (entry.state === 'waiting') leaveWaiting(entry)
    else if (entry.state !== 'active') return
    active.delete(entry)
    paused.add(entry)
    entry.state = 'paused'
    void entry.task?.pause()
    pump()
    changed()
  }

  function resumeEntry(entry: Entry): void {
    if (!paused.delete(entry)) return
    enqueue(entry, 'front')
    pump()
    changed()
  }

  async function cancelEntry(entry: Entry): Promise<void> {
    const { task, state } = entry
    if (state === 'waiting') leaveWaiting(entry)
    // One that is under way may be completed in this very moment, and is then kept.
    if (state === 'waiting' || state === 'failed' || (state === 'paused' && task === null)) {
      paused.delete(entry)
      forget(entry)
      changed()
    }
    // What cannot be removed now expires on the server by itself.
    await task?.cancel().catch(() => undefined)
  }

  function retry(entry: Entry): void {
    if (!failed.delete(entry)) return
    full = null
    totals.failed--
    totals.bytes += entry.source.size
    enqueue(entry, 'front')
    pump()
    changed()
  }

  // --- What is shown

  function unsettled() {
    let bytes = 0
    let sent = 0
    let size = 0
    for (const set of [active, paused]) {
      for (const { task, source } of set) {
        const progress = task?.progress()
        bytes += progress?.uploadedBytes ?? 0
        sent += progress?.sentBytes ?? 0
        size += source.size
      }
    }
    return { bytes, sent, size }
  }

  return {
    add,
    expect,
    hold,
    release,
    networkLost,
    /** The network is back, as the browser believes. */
    tryNow: () => nextTry?.now(),
    pauseEntry,
    resumeEntry,
    cancelEntry,
    retry,
    retryFailed() {
      for (const entry of [...failed].reverse()) retry(entry)
    },
    async cancelAll() {
      const open = [...active, ...paused]
      for (const entry of waiting.slice(head)) if (entry.state === 'waiting') void cancelEntry(entry)
      await Promise.all(open.map(cancelEntry))
    },
    /** Takes everything that is over off the list. */
    clear() {
      for (const entry of [...failed]) void cancelEntry(entry)
      if (isIdle()) startBatch()
      changed()
    },

    get isIdle() {
      return isIdle()
    },
    holds: holds as ReadonlySet<Hold>,
    active: active as ReadonlySet<Entry>,
    paused: paused as ReadonlySet<Entry>,
    failed: failed as ReadonlySet<Entry>,
    /** The last that were added or there already, newest first. */
    recent: recent as readonly Entry[],
    get waitingCount() {
      return waitingCount
    },
    /** The first that wait. */
    nextWaiting(count: number): Entry[] {
      const next = new Set<Entry>()
      for (let index = head; index < waiting.length && next.size < count; index++) {
        const entry = waiting[index]
        // One that was paused and taken up again stands in two places.
        if (entry?.state === 'waiting') next.add(entry)
      }
      return [...next]
    },
    totals: totals as Readonly<Totals>,
    /** How far all of it is; costs the same for any number of files. */
    progress() {
      const open = unsettled()
      return {
        doneBytes: settledBytes + open.bytes,
        doneFiles: totals.added + totals.duplicates,
        sentBytes: settledSent + open.sent,
        leftBytes: waitingBytes + open.size - open.bytes,
        leftFiles: waitingCount + active.size + paused.size,
      }
    },
  }
}

function isFull(error: unknown): boolean {
  return error instanceof ApiProblem && (error.code === 'quota-exceeded' || isDiskFull(error))
}

function isDiskFull(error: unknown): boolean {
  return error instanceof ApiProblem && error.code === 'storage-full'
}
