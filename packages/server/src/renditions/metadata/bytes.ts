/**
 * Reading numbers out of bytes that a stranger wrote. Nothing here throws: what lies outside the file reads as 0, and
 * every walker checks its own ranges and counts, so that damage ends a walk and never a program.
 */

/** A stretch of a file in bytes, `end` not included. */
export interface Stretch {
  start: number
  end: number
}

/** The same memory seen as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function u8(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}

export function u16(bytes: Uint8Array, at: number, littleEndian = false): number {
  return littleEndian ? u8(bytes, at) + u8(bytes, at + 1) * 0x100 : u8(bytes, at) * 0x100 + u8(bytes, at + 1)
}

export function u32(bytes: Uint8Array, at: number, littleEndian = false): number {
  return littleEndian
    ? u16(bytes, at, true) + u16(bytes, at + 2, true) * 0x10000
    : u16(bytes, at) * 0x10000 + u16(bytes, at + 2)
}

/** 64 bits, big endian. Above 2^53 it is not exact, which no range check mistakes for a place inside a file. */
export function u64(bytes: Uint8Array, at: number): number {
  return u32(bytes, at) * 0x1_0000_0000 + u32(bytes, at + 4)
}

/** An unsigned number of `size` bytes, big endian; 0 for no bytes. */
export function unsigned(bytes: Uint8Array, at: number, size: number): number {
  let value = 0
  for (let index = 0; index < size; index += 1) value = value * 0x100 + u8(bytes, at + index)
  return value
}

/** Bytes as characters of one byte each, so that places in the text are places in the file. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return asBuffer(bytes).toString('latin1', clamp(start, bytes), clamp(end, bytes))
}

export function utf8(bytes: Uint8Array, start: number, end: number): string {
  return asBuffer(bytes).toString('utf8', clamp(start, bytes), clamp(end, bytes))
}

function clamp(at: number, bytes: Uint8Array): number {
  return Math.min(Math.max(0, at), bytes.length)
}

export function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  return at + text.length <= bytes.length && latin1(bytes, at, at + text.length) === text
}
