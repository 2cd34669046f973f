/**
 * Opens what a decoding program says it has made. The program may have been taken over by the file it read, and left
 * something else under that name: a link to the photo of another person or to a key of this server, which the server
 * would then store and serve; or a pipe, which it would wait at for ever.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { CannotDecode } from './media.ts'

/** To be closed by the caller. Throws `CannotDecode` for anything but an ordinary file. */
export async function openMade(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(refuseLink)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw notMade()
}

/** Bytes. Throws as `openMade` does. */
export async function sizeOfMade(path: string): Promise<number> {
  const file = await openMade(path)
  try {
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

/** ELOOP: a link (FreeBSD says EMLINK). ENXIO: a socket. */
function refuseLink(error: NodeJS.ErrnoException): never {
  throw ['ELOOP', 'EMLINK', 'ENXIO'].includes(error.code ?? '') ? notMade(error) : error
}

function notMade(cause?: unknown): CannotDecode {
  return new CannotDecode('undecodable', 'The program that read this file left something that is no file.', cause)
}
