/**
 * Uploads the files that were found, some at once, and keeps the tally. It stops early when going on makes no sense: on
 * Ctrl-C, when nobody is signed in any more, and when the server stays away.
 */
import {
  ApiProblem,
  type Client,
  ConnectionFailed,
  createSpeedMeter,
  createUploader,
  describeFailure,
  type ResumeStore,
  SourceChanged,
  type UploadOutcome,
  type UploadProgress,
  type UploadTask,
} from '@heliograph/client'
import { createFileSource, createNodeHasher, createNodeTransport } from '@heliograph/client/node'
import type { FileProgress, Progress } from './progress.ts'
import { type FoundFile, isSystemError, reasonOf } from './upload-scan.ts'

export interface FailedFile {
  file: string
  message: string
  advice: string
}

export interface Tally {
  uploaded: number
  alreadyThere: number
  restored: number
  failed: FailedFile[]
  /** Bytes of the files that were uploaded. */
  bytes: number
  /** Bytes that were sent now; less than `bytes` where earlier runs had sent some. */
  bytesSent: number
  /** Why not every file was tried, or null. */
  stopped: 'interrupted' | 'signed-out' | 'unreachable' | null
}

export interface UploadRun {
  progress(): Progress
  /** Never rejects for what happens to a file. */
  done: Promise<Tally>
}

export interface RunOptions {
  client: Client
  files: FoundFile[]
  /** Files at once. */
  concurrency: number
  resumeStore: ResumeStore
  signal: AbortSignal
}

/** Files in a row that fail for want of a connection, each tried for a minute or so, before the rest is not tried. */
const connectionFailuresAllowed = 3

export function startUpload({ client, files, concurrency, resumeStore, signal }: RunOptions): UploadRun {
  const transport = createNodeTransport()
  const uploader = createUploader({
    client,
    concurrency: { files: concurrency, parts: Math.max(8, concurrency) },
    hasher: createNodeHasher(),
    transport,
    resumeStore,
  })
  const tally: Tally = { uploaded: 0, alreadyThere: 0, restored: 0, failed: [], bytes: 0, bytesSent: 0, stopped: null }
  const inFlight = new Map<FoundFile, UploadTask>()
  const speed = createSpeedMeter(() => performance.now())
  const totalBytes = files.reduce((sum, file) => sum + file.size, 0)
  let filesDone = 0
  let bytesDone = 0
  let connectionFailures = 0

  function progress(): Progress {
    const active = [...inFlight].map(([file, task]) => ({ file, progress: task.progress() }))
    const moving = active.reduce((sum, { progress }) => sum + progress.uploadedBytes, 0)
    speed.update(tally.bytesSent + active.reduce((sum, { progress }) => sum + progress.sentBytes, 0))
    return {
      files: files.length,
      filesDone,
      bytes: totalBytes,
      bytesDone: bytesDone + moving,
      bytesPerSecond: speed.bytesPerSecond,
      inFlight: active.flatMap(({ file, progress }) => describe(file, progress) ?? []),
    }
  }

  async function stop(reason: NonNullable<Tally['stopped']>): Promise<void> {
    tally.stopped ??= reason
    await Promise.all([...inFlight.values()].map((task) => task.pause()))
  }

  function settle(file: FoundFile, outcome: Exclude<UploadOutcome, { state: 'cancelled' }>): void {
    const error = outcome.state === 'failed' ? outcome.error : null
    if (error instanceof ApiProblem && error.status === 401) return void stop('signed-out')
    filesDone++
    bytesDone += file.size
    connectionFailures = error instanceof ConnectionFailed ? connectionFailures + 1 : 0
    if (connectionFailures >= connectionFailuresAllowed) void stop('unreachable')

    if (outcome.state === 'failed') tally.failed.push({ file: file.label, ...describeFileFailure(outcome.error) })
    else if (outcome.state === 'duplicate') tally.alreadyThere++
    else if (outcome.state === 'restored') tally.restored++
    else {
      tally.uploaded++
      tally.bytes += file.size
    }
  }

  async function uploadOne(file: FoundFile): Promise<void> {
    try {
      const source = await createFileSource(file.path)
      if (tally.stopped !== null) return
      const task = uploader.add(source)
      inFlight.set(file, task)
      const outcome = await Promise.race([task.done, paused(task)])
      inFlight.delete(file)
      tally.bytesSent += task.progress().sentBytes
      if (outcome !== 'paused' && outcome.state !== 'cancelled') settle(file, outcome)
    } catch (error) {
      if (!isSystemError(error)) throw error
      settle(file, { state: 'failed', error })
    }
  }

  async function run(): Promise<Tally> {
    const onInterrupt = () => void stop('interrupted')
    signal.addEventListener('abort', onInterrupt)
    if (signal.aborted) onInterrupt()
    const remaining = files.values()
    // Twice as many as are transferred, so that the next ones are hashed meanwhile.
    const workers = Array.from({ length: concurrency * 2 }, async () => {
      for (const file of remaining) {
        if (tally.stopped !== null) return
        await uploadOne(file)
      }
    })
    try {
      await Promise.all(workers)
    } finally {
      signal.removeEventListener('abort', onInterrupt)
      transport.close()
    }
    return tally
  }

  return { progress, done: run() }
}

/** Resolves when the task is paused, which here means that everything stops. */
function paused(task: UploadTask): Promise<'paused'> {
  return new Promise((resolve) => {
    task.subscribe(({ state }) => {
      if (state === 'paused') resolve('paused')
    })
  })
}

function describe(file: FoundFile, { state, size, hashedBytes, uploadedBytes }: UploadProgress): FileProgress | null {
  const row = (activity: string, bytes: number) => ({
    name: file.label,
    size,
    activity,
    fraction: size === 0 ? 0 : bytes / size,
  })
  if (state === 'hashing' && hashedBytes < size) return row('checking', hashedBytes)
  if (state === 'planning') return row('planning', 0)
  if (state === 'uploading') return row('uploading', uploadedBytes)
  if (state === 'verifying') return row('verifying', size)
  return null
}

function describeFileFailure(error: unknown): { message: string; advice: string } {
  if (isSystemError(error)) {
    return { message: `The file ${reasonOf(error)}.`, advice: 'Check the file and its permissions.' }
  }
  if (error instanceof SourceChanged) {
    return {
      message: 'The file changed while it was being uploaded.',
      advice: 'Run the command again when it is at rest.',
    }
  }
  return describeFailure(error)
}
