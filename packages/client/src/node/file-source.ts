/**
 * A file on disk as an upload source. Read in chunks, so that a file of any size costs the same memory, and each reading
 * opens the file anew, so that thousands of waiting files hold no descriptors. A file that is not the one that was added
 * (other size or time of change) fails with `SourceChanged` instead of uploading a mixture.
 */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { type ByteSlice, SourceChanged, type UploadSource } from '../upload/source.ts'

const chunkSize = 256 * 1024

/** `type` is the media type, empty to let the server decide by the name. */
export async function createFileSource(path: string, type = ''): Promise<UploadSource> {
  const { size, mtimeMs } = await stat(path)
  const name = basename(path)
  return {
    name,
    size,
    type,
    lastModified: mtimeMs,
    slice: (start, end) => createRangeReader(path, { start, end, name, size, mtimeMs }),
  }
}

interface Range {
  start: number
  end: number
  name: string
  size: number
  mtimeMs: number
}

function createRangeReader(path: string, { start, end, name, size, mtimeMs }: Range): ByteSlice {
  async function openUnchanged(): Promise<FileHandle> {
    let file: FileHandle
    try {
      file = await open(path, 'r')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw new SourceChanged(name, error)
      throw error
    }
    const now = await file.stat()
    if (now.size === size && now.mtimeMs === mtimeMs) return file
    await file.close()
    throw new SourceChanged(name)
  }

  function stream(): ReadableStream<Uint8Array> {
    let file: FileHandle | null = null
    let position = start
    const close = async () => {
      const opened = file
      file = null
      await opened?.close()
    }
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          try {
            file ??= await openUnchanged()
            if (position >= end) {
              await close()
              return controller.close()
            }
            const buffer = Buffer.allocUnsafe(Math.min(chunkSize, end - position))
            const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
            if (bytesRead === 0) throw new SourceChanged(name)
            position += bytesRead
            controller.enqueue(buffer.subarray(0, bytesRead))
          } catch (error) {
            await close()
            throw error
          }
        },
        cancel: close,
      },
      // Nothing is read ahead of what is asked for.
      { highWaterMark: 0 },
    )
  }

  return {
    stream,
    arrayBuffer: () => new Response(stream()).arrayBuffer(),
  }
}
