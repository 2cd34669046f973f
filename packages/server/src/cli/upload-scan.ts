/**
 * Finds the photos and videos in folders. Hidden files and folders are passed over, links are followed but no folder is
 * entered twice, and what is no media, by its name or else by its first bytes, is counted and left.
 */
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { declaredType, recogniseMedia, sampleSize } from '../uploads/index.ts'

export interface FoundFile {
  path: string
  /** As a person would say it: relative to where the command was given, unless it lies elsewhere. */
  label: string
  /** Bytes. */
  size: number
}

export interface Scan {
  files: FoundFile[]
  /** Files that are no photos and no videos. */
  others: string[]
  /** What could not be looked at, and why. */
  unreadable: { label: string; reason: string }[]
}

export interface ScanOptions {
  cwd: string
  /** Takes every file, whatever it is. */
  all: boolean
  signal: AbortSignal
}

/** `paths` are folders and files; a file that is named is taken also when it is hidden. */
export async function scanFiles(paths: string[], { cwd, all, signal }: ScanOptions): Promise<Scan> {
  const scan: Scan = { files: [], others: [], unreadable: [] }
  const seen = new Set<string>()

  async function visit(path: string): Promise<void> {
    signal.throwIfAborted()
    const label = labelOf(path, cwd)
    try {
      const found = await stat(path)
      // Two ways to one file or folder (a link, or an argument inside another) count once.
      const identity = `${found.dev}:${found.ino}`
      if (seen.has(identity)) return
      seen.add(identity)
      if (found.isDirectory()) await visitFolder(path)
      else if (found.isFile()) {
        const isTaken = all || (await isMedia(path))
        if (isTaken) scan.files.push({ path, label, size: found.size })
        else scan.others.push(label)
      }
    } catch (error) {
      if (signal.aborted || !isSystemError(error)) throw error
      scan.unreadable.push({ label, reason: reasonOf(error) })
    }
  }

  async function visitFolder(path: string): Promise<void> {
    const names = await readdir(path)
    for (const name of names.toSorted()) if (!name.startsWith('.')) await visit(join(path, name))
  }

  for (const path of paths) await visit(resolve(cwd, path))
  return scan
}

function labelOf(path: string, cwd: string): string {
  const way = relative(cwd, path)
  return way === '' || way.startsWith('..') ? path : way
}

/** By the name where it says enough, else by the first bytes. */
async function isMedia(path: string): Promise<boolean> {
  if (declaredType(null, basename(path)) !== 'application/octet-stream') return true
  const file = await open(path, 'r')
  try {
    return (await recogniseMedia(await readStart(file), 'application/octet-stream')) !== null
  } finally {
    await file.close()
  }
}

async function readStart(file: FileHandle): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(sampleSize), 0, sampleSize, 0)
  return buffer.subarray(0, bytesRead)
}

export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error
}

/** Why the system refused, in words. */
export function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'does not exist'
  if (error.code === 'EACCES' || error.code === 'EPERM') return 'may not be read by you'
  return error.message
}
