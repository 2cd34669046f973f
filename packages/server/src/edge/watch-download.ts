/** How a response ends, which is after its handler has returned: sent whole, stopped by the client, or broken by the store. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ByteReader } from './byte-reader.ts'
import type { Meter, Transfer } from './transfer.ts'

export interface Download {
  transfer: Transfer
  meter: Pick<Meter, 'bytesOut'>
  /** Why the sending ended, when it was not the client who ended it. */
  failure: () => Error | null
  /** Called once, when nothing is sent any more. */
  onEnd: () => void
}

/** Counts and records the response. */
export function watchDownload(request: FastifyRequest, reply: FastifyReply, download: Download): void {
  const { transfer, meter, failure, onEnd } = download
  const { socket } = request.raw
  const before = socket.bytesWritten
  const onClose = () => {
    onEnd()
    // On the socket, so that what a stopped client never took is not counted; the headers are, a few hundred bytes.
    const sent = socket.bytesWritten - before
    meter.bytesOut(sent)
    if (reply.raw.writableFinished) transfer.succeeded(sent)
    else transfer.broken(failure() ?? new DownloadStopped(), sent)
  }
  // It may have gone while the store was asked, and will not say so again.
  if (reply.raw.closed) onClose()
  else reply.raw.once('close', onClose)
}

/** Opens a body for a client that may go while the store is waited for: the wait is then ended too. */
export async function openFor(
  reply: FastifyReply,
  open: (gone: AbortSignal) => Promise<ByteReader>,
): Promise<ByteReader> {
  const gone = new AbortController()
  const onClose = () => gone.abort()
  if (reply.raw.closed) gone.abort()
  reply.raw.once('close', onClose)
  try {
    return await open(gone.signal)
  } finally {
    // From here on the reader is closed with the response.
    reply.raw.off('close', onClose)
  }
}

class DownloadStopped extends Error {
  constructor() {
    super('The client closed the connection before the end of the file')
    this.name = 'DownloadStopped'
  }
}
