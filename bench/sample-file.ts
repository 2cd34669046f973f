/**
 * Files to upload that cost the client nothing to make: every file shares one buffer of random bytes and differs only in
 * its first bytes, so that no server can answer one as a duplicate of another, while signatures stay valid.
 */
import { randomBytes } from 'node:crypto'

/** JPEG: SOI, then an APP0 segment as JFIF 1.02 writes it. */
const jfif = Buffer.from('ffd8ffe000104a46494600010200000100010000', 'hex')
/** A COM segment of 16 bytes follows; it carries what is different. */
const comment = Buffer.from('fffe0012', 'hex')
const jpegHeadSize = jfif.length + comment.length + 16
const endOfImage = Buffer.from('ffd9', 'hex')

/** ISO base media file: an `ftyp` box of the brand isom, then an `mdat` box that runs to the end of the file. */
const mp4Head = Buffer.from('0000001866747970' + '69736f6d00000200' + '69736f6d6d703432' + '000000006d646174', 'hex')

export interface SampleFile {
  contentType: string
  extension: string
  /** Bytes. */
  size: number
  /** In order; all but the first are shared between files. */
  chunks: Buffer[]
}

/** Makes JPEG look-alikes of `size` bytes, which have a valid signature but no image that could be decoded. */
export function createJpegSource(size: number): () => SampleFile {
  const shared = randomBytes(size - jpegHeadSize)
  endOfImage.copy(shared, shared.length - endOfImage.length)
  return () => ({
    contentType: 'image/jpeg',
    extension: 'jpg',
    size,
    chunks: [Buffer.concat([jfif, comment, randomBytes(16)]), shared],
  })
}

/** One MP4 look-alike of `size` bytes: its chunks are one buffer again and again, so it needs 1 MiB however large it is. */
export function createMp4(size: number): SampleFile {
  const shared = randomBytes(1024 ** 2)
  const head = Buffer.concat([mp4Head, randomBytes(16)])
  const chunks = [head]
  for (let left = size - head.length; left > 0; left -= shared.length) {
    chunks.push(left < shared.length ? shared.subarray(0, left) : shared)
  }
  return { contentType: 'video/mp4', extension: 'mp4', size, chunks }
}
