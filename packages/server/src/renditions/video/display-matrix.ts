/**
 * Whether an MP4 or QuickTime file asks to be shown mirrored: its tracks' matrix (ISO/IEC 14496-12, `tkhd`) turns the
 * picture over. ffmpeg obeys the whole matrix but tells only its rotation, and not every browser mirrors, so such a file
 * must not be handed out as it is.
 */
import { type FileHandle, open } from 'node:fs/promises'

/** More boxes than any camera writes on these two levels. */
const maxBoxes = 4_096

export async function isMirrored(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const counter = { left: maxBoxes }
    for await (const moov of boxes(file, 0, size, counter)) {
      if (moov.type !== 'moov') continue
      for await (const trak of boxes(file, moov.start, moov.end, counter)) {
        if (trak.type === 'trak' && (await hasMirroringHeader(file, trak, counter))) return true
      }
    }
    return false
  } finally {
    await file.close()
  }
}

interface Box {
  type: string
  /** Of its content. */
  start: number
  end: number
}

async function* boxes(file: FileHandle, from: number, end: number, counter: { left: number }): AsyncGenerator<Box> {
  const header = Buffer.alloc(16)
  for (let at = from; at + 8 <= end && counter.left > 0; counter.left--) {
    const { bytesRead } = await file.read(header, 0, 16, at)
    if (bytesRead < 8) return
    const short = header.readUInt32BE(0)
    if (short === 1 && bytesRead < 16) return
    const length = short === 0 ? end - at : short === 1 ? Number(header.readBigUInt64BE(8)) : short
    const headerLength = short === 1 ? 16 : 8
    if (length < headerLength) return
    yield { type: header.toString('latin1', 4, 8), start: at + headerLength, end: Math.min(at + length, end) }
    at += length
  }
}

async function hasMirroringHeader(file: FileHandle, trak: Box, counter: { left: number }): Promise<boolean> {
  for await (const box of boxes(file, trak.start, trak.end, counter)) {
    if (box.type !== 'tkhd') continue
    const header = Buffer.alloc(96)
    const { bytesRead } = await file.read(header, 0, header.length, box.start)
    // Version 1 has three times of 8 bytes where version 0 has 4.
    const matrix = header[0] === 1 ? 52 : 40
    if (bytesRead < matrix + 20) return false
    const [a, b, c, d] = [0, 4, 12, 16].map((offset) => header.readInt32BE(matrix + offset) / 65_536)
    return (a ?? 1) * (d ?? 1) - (b ?? 0) * (c ?? 0) < 0
  }
  return false
}
