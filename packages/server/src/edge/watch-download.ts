/** How a response ends, which is after its handler has returned: sent whole, stopped by the client, or broken by the store. */
import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Meter, Transfer } from './transfer.ts'

export interface Download {
  body: Readable | Buffer
  transfer: Transfer
  meter: Pick<Meter, 'bytesOut'>
  /** Called once, when nothing is sent any more. */
  onEnd: () => void
}

/** Counts and records the response, and ends the read when the client has gone. */
export function watchDownload(request: FastifyRequest, reply: FastifyReply, download: Download): void {
  const { body, transfer, meter, onEnd } = download
  const { socket } = request.raw
  const before = socket.bytesWritten
  const onClose = () => {
    onEnd()
    // On the socket, so that what a stopped client never took is not counted; the headers are, a few hundred bytes.
    const sent = socket.bytesWritten - before
    meter.bytesOut(sent)
    if (reply.raw.writableFinished) transfer.succeeded(sent)
    else transfer.broken((Buffer.isBuffer(body) ? null : body.errored) ?? new DownloadStopped(), sent)
    if (!Buffer.isBuffer(body)) body.destroy()
  }
  // It may have gone while the store was asked, and will not say so again.
  if (reply.raw.closed) onClose()
  else reply.raw.once('close', onClose)
}

/** Opens a body for a client that may go while the store is waited for: the wait is then ended too. */
export async function openFor(reply: FastifyReply, open: (gone: AbortSignal) => Promise<Readable>): Promise<Readable> {
  const gone = new AbortController()
  const onClose = () => gone.abort()
  if (reply.raw.closed) gone.abort()
  reply.raw.once('close', onClose)
  try {
    return await open(gone.signal)
  } finally {
    // From here on the stream is destroyed with the response.
    reply.raw.off('close', onClose)
  }
}

class DownloadStopped extends Error {
  constructor() {
    super('The client closed the connection before the end of the file')
    this.name = 'DownloadStopped'
  }
}
