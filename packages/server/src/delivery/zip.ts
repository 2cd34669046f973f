/**
 * Several files as one ZIP, made while it is sent: one object open at a time, memory constant. Stored, not deflated,
 * because photos and videos do not get smaller; Zip64 where sizes need it.
 *
 * A ZIP has no way to say that something went wrong half-way. So when an entry cannot be read, the stream is destroyed
 * and the download visibly breaks off, rather than ending as an archive that lacks a file.
 */
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { createUniqueNames } from './filename.ts'

export interface ZipEntry {
  /** As stored; made safe and unique here. */
  filename: string
  /** Exact bytes. */
  size: number
  modifiedAt: Date
  open(): Promise<Readable>
}

/** Destroying the stream stops reading, closes the open object and returns the iterator of `entries`. */
export function streamZip(entries: AsyncIterable<ZipEntry>): Readable {
  const zip = new ZipFile()
  const output = zip.outputStream as Readable
  zip.on('error', (error: Error) => output.destroy(error))
  addAll(zip, output, entries)
    .then(() => zip.end())
    .catch((error: Error) => output.destroy(error))
  return output
}

async function addAll(zip: ZipFile, output: Readable, entries: AsyncIterable<ZipEntry>): Promise<void> {
  const uniqueName = createUniqueNames()
  const closed = once(output, 'close').then(() => {
    throw new Error('The download was stopped')
  })
  // It is raced below; when nothing is being added any more, nobody needs to hear of it.
  closed.catch(() => undefined)
  for await (const entry of entries) {
    await Promise.race([addEntry(zip, output, uniqueName(entry.filename), entry), closed])
  }
}

/** The years a ZIP can hold: from its own beginning to the end of 32 bits of seconds. Outside of them the library throws. */
function clampDate(date: Date): Date {
  return new Date(Math.min(Math.max(date.getTime(), Date.UTC(1980, 0, 2)), 0xffffffff * 1000))
}

/** Resolves when the entry's bytes have been read. The library opens it only after those before it are written. */
function addEntry(zip: ZipFile, output: Readable, name: string, entry: ZipEntry): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const options = { size: entry.size, mtime: clampDate(entry.modifiedAt), compress: false }
  zip.addReadStreamLazy(name, options, (deliver) => {
    entry.open().then((body) => {
      const stop = () => body.destroy()
      output.once('close', stop)
      finished(body)
        .finally(() => output.off('close', stop))
        .then(resolve, reject)
      if (output.destroyed) stop()
      else deliver(null, body)
    }, reject)
  })
  return promise
}
