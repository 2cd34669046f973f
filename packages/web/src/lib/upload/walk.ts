/**
 * Files of what was dropped or picked, folders and all, one after the other, so that a tree of many thousands neither freezes
 * the page nor has to be known whole before the first file is on its way.
 *
 * A browser hides what was dropped as soon as the event is over: `takeDropped` has to be called within it.
 */
import { isHiddenFolder } from './media-files.ts'

export interface Found {
  file: File
  /** With the folders it lies in: `Summer/IMG_1.jpg`. */
  path: string
  /** By which the file is found again after a reload: itself, or the folder that was dropped. Chromium only. */
  root: FileSystemHandle | null
}

/** A folder or file that cannot be read. */
export interface Unreadable {
  unreadable: string
}

export interface Dropped {
  handle: Promise<FileSystemHandle | null>
  entry: FileSystemEntry | null
  file: File | null
}

type HandleItem = DataTransferItem & { getAsFileSystemHandle?: () => Promise<FileSystemHandle | null> }

export function takeDropped(transfer: DataTransfer): Dropped[] {
  return [...transfer.items]
    .filter((item) => item.kind === 'file')
    .map((item: HandleItem) => ({
      // What is refused here is still reached by the entry or as a plain file.
      handle: (item.getAsFileSystemHandle?.() ?? Promise.resolve(null)).catch(() => null),
      entry: item.webkitGetAsEntry?.() ?? null,
      file: item.getAsFile(),
    }))
}

export async function* walkDropped(dropped: readonly Dropped[]): AsyncGenerator<Found | Unreadable> {
  for (const { handle: promised, entry, file } of dropped) {
    const handle = await promised
    if (handle !== null) yield* walkHandle(handle, handle.name, handle)
    else if (entry !== null) yield* walkEntry(entry, entry.name)
    else if (file !== null) yield { file, path: file.name, root: null }
  }
}

/** Of an `<input type=file>`, also one that picks folders. */
export function* walkPicked(files: Iterable<File>): Generator<Found> {
  for (const file of files) {
    const path = file.webkitRelativePath === '' ? file.name : file.webkitRelativePath
    if (path.split('/').slice(0, -1).some(isHiddenFolder)) continue
    yield { file, path, root: null }
  }
}

async function* walkHandle(
  handle: FileSystemHandle,
  path: string,
  root: FileSystemHandle,
): AsyncGenerator<Found | Unreadable> {
  try {
    if (isFileHandle(handle)) {
      yield { file: await handle.getFile(), path, root }
      return
    }
    if (!isFolderHandle(handle) || (handle !== root && isHiddenFolder(handle.name))) return
    for await (const child of handle.values()) yield* walkHandle(child, `${path}/${child.name}`, root)
  } catch (error) {
    yield unreadable(path, error)
  }
}

async function* walkEntry(entry: FileSystemEntry, path: string, isRoot = true): AsyncGenerator<Found | Unreadable> {
  try {
    if (isFileEntry(entry)) {
      yield { file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)), path, root: null }
      return
    }
    if (!isFolderEntry(entry) || (!isRoot && isHiddenFolder(entry.name))) return
    for await (const child of readFolder(entry)) yield* walkEntry(child, `${path}/${child.name}`, false)
  } catch (error) {
    yield unreadable(path, error)
  }
}

/** A reader gives some of the entries at a time, and none at the end. */
async function* readFolder(folder: FileSystemDirectoryEntry): AsyncGenerator<FileSystemEntry> {
  const reader = folder.createReader()
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return
    yield* some
  }
}

/** The file at `path` under the root it was found by. Throws when it is gone or may not be read. */
export async function findAgain(root: FileSystemHandle, path: string): Promise<File> {
  const [, ...names] = path.split('/')
  let at = root
  for (const [index, name] of names.entries()) {
    if (!isFolderHandle(at)) break
    at = index === names.length - 1 ? await at.getFileHandle(name) : await at.getDirectoryHandle(name)
  }
  if (!isFileHandle(at)) throw new DOMException(`${path} is no file`, 'NotFoundError')
  return at.getFile()
}

/** A programming error is not to be taken for a folder without permission. */
function unreadable(path: string, error: unknown): Unreadable {
  if (error instanceof DOMException) return { unreadable: path }
  throw error
}

const isFileHandle = (handle: FileSystemHandle): handle is FileSystemFileHandle => handle.kind === 'file'
const isFolderHandle = (
  handle: FileSystemHandle,
): handle is FileSystemDirectoryHandle & { values(): AsyncIterable<FileSystemHandle> } => handle.kind === 'directory'
const isFileEntry = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile
const isFolderEntry = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory
