/**
 * `POST /v1/assets`: the bytes come through this process in constant memory, straight into the store. The quota is
 * reserved before the first byte when the length is known, else piece by piece as bytes arrive, and nothing is kept of a
 * stream that is refused, broken off or wrong.
 *
 * A process that dies meanwhile leaves a row with a short life; the next look at expired uploads ends it.
 */
import { Readable, Transform } from 'node:stream'
import { type Attempt, errorClass, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { type Completion, completeUpload } from './complete.ts'
import type { UploadContext, UploadRow } from './context.ts'
import { endUpload } from './end.ts'
import { recogniseMedia, sampleSize } from './media-type.ts'
import { checkSize, growReservation, type PlanRequest, planUpload } from './plan.ts'
import { contentMismatch } from './verify.ts'

/** Seconds a stream's row lives without a sign of life, and how often it gives one. */
const streamLifetime = 600
const heartbeat = 120
/** Bytes; what is stored whole before its type is looked at. */
const smallFile = 16 * 1024 * 1024
/** Bytes set aside at a time for a stream of unknown length. */
const reservationStep = 16 * 1024 * 1024

export type StreamRequest = Omit<PlanRequest, 'protocol' | 'strategy' | 'lifetime' | 'sha256'>

export async function streamUpload(
  context: UploadContext,
  attempt: Attempt,
  request: StreamRequest,
  body: Readable,
): Promise<Completion> {
  const upload = await planUpload(context, attempt, {
    ...request,
    sha256: null,
    strategy: 'single',
    protocol: 'stream',
    lifetime: streamLifetime,
  })
  const alive = setInterval(() => extendLife(context, upload.id), heartbeat * 1000)
  let sha256: Uint8Array
  try {
    sha256 = await receive(context, upload, body)
    context.fault('stream.stored')
  } catch (error) {
    await endStream(context, attempt, upload, error)
    throw error
  } finally {
    clearInterval(alive)
  }
  return completeUpload(context, attempt, upload, { sha256 })
}

/** Resolves with the SHA-256 of the bytes as they passed. */
async function receive(context: UploadContext, upload: UploadRow, body: Readable): Promise<Uint8Array> {
  const { content_type: contentType, object_key: key, size } = upload
  // Looking at the first bytes takes them off the network. A thousand files at once would all be held in memory for it,
  // and completion looks anyway: it is worth it where it saves a long transfer.
  const media = size !== null && size <= smallFile ? body : await refuseOtherThanMedia(upload, body)
  if (size !== null) {
    return (await context.store.put(key, media, { contentType, size })).sha256
  }
  const counted = compose(media, reserveAsItFlows(context, upload))
  return (await context.store.put(key, counted, { contentType, maxSize: context.limits.maxFileSize })).sha256
}

/**
 * Joins two streams so that an error or early end of the first ends the second. The first is never destroyed: it is the
 * request, and whoever is refused in the middle of it still gets an answer on its connection.
 */
function compose(source: Readable, transform: Transform): Readable {
  const onClose = () => {
    if (!source.readableEnded) transform.destroy(problems.invalidRequest('The connection was broken off.'))
  }
  source.on('error', (error) => transform.destroy(error)).once('close', onClose)
  transform.once('close', () => source.off('close', onClose))
  // The store may not be listening yet, and an error nobody hears ends the process. It finds the stream errored.
  transform.on('error', () => undefined)
  return source.pipe(transform)
}

/** Looks at the first bytes, so that a wrong file is refused before it is stored. Returns the whole body. */
async function refuseOtherThanMedia(upload: UploadRow, body: Readable): Promise<Readable> {
  const chunks: Buffer[] = []
  let length = 0
  while (length < sampleSize) {
    const chunk: Buffer | null = body.read()
    if (chunk !== null) {
      chunks.push(chunk)
      length += chunk.length
      continue
    }
    if (body.readableEnded || body.destroyed) break
    if (!(await readableOrOver(body))) break
  }
  const sample = Buffer.concat(chunks)
  if (sample.length === 0) checkSize(0, Number.POSITIVE_INFINITY)
  if ((await recogniseMedia(sample.subarray(0, sampleSize), upload.content_type)) === null) {
    throw contentMismatch(upload.content_type)
  }
  if (body.readableEnded) return Readable.from([sample])
  body.unshift(sample)
  return body
}

/** True when there is something to read, false when the stream is over. */
function readableOrOver(body: Readable): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void) => () => {
      body.off('readable', onReadable).off('end', onEnd).off('error', onError).off('close', onEnd)
      outcome()
    }
    const onReadable = settle(() => resolve(true))
    const onEnd = settle(() => resolve(false))
    const onError = (error: Error) => settle(() => reject(error))()
    body.on('readable', onReadable).on('end', onEnd).on('error', onError).on('close', onEnd)
  })
}

function reserveAsItFlows(context: UploadContext, upload: UploadRow): Transform {
  let reserved = 0
  let seen = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length
      if (seen <= reserved) return done(null, chunk)
      if (seen > context.limits.maxFileSize) {
        return done(problems.fileTooLarge(`This server takes files of ${context.limits.maxFileSize} bytes at most.`))
      }
      const step = Math.max(reservationStep, chunk.length)
      reserve(step).then(
        () => done(null, chunk),
        (error: Error) => done(error),
      )
    },
  })

  /** Near the limit the whole step may not fit while what is still to come would: then just what has come is reserved. */
  async function reserve(step: number): Promise<void> {
    try {
      await growReservation(context, upload, step)
      reserved += step
    } catch (error) {
      const needed = seen - reserved
      if (needed >= step) throw error
      await growReservation(context, upload, needed)
      reserved += needed
    }
  }
}

/** A beat that fails is only said: the next one tries again, and the life spans several. */
function extendLife(context: UploadContext, uploadId: string): void {
  context.db
    .updateTable('upload')
    .set({ expires_at: new Date(context.now().getTime() + streamLifetime * 1000) })
    .where('id', '=', uploadId)
    .where('state', '=', 'uploading')
    .execute()
    .catch((error: unknown) => context.log.warn({ err: error, uploadId }, 'the life of a stream could not be extended'))
}

async function endStream(context: UploadContext, attempt: Attempt, upload: UploadRow, error: unknown): Promise<void> {
  await context.db.transaction().execute(async (tx) => {
    await endUpload(context, tx, upload.id, { state: 'aborted', failure: errorClass(error) })
    await history.record(tx, attempt, {
      action: 'upload.complete',
      objectType: 'upload',
      objectId: upload.id,
      size: upload.size,
      contentType: upload.content_type,
      phases: { transfer: context.now().getTime() - upload.created_at.getTime() },
      errorClass: errorClass(error),
    })
  })
}
