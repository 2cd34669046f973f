/** Where the bytes of an upload come from, without saying what they are: a browser's `File`, a `Blob`, a file on disk. */

/** A run of bytes that can be read more than once. A `Blob` is one. */
export interface ByteSlice {
  stream(): ReadableStream<Uint8Array>
  arrayBuffer(): Promise<ArrayBuffer>
}

/** A browser's `File` satisfies it as it is. */
export interface UploadSource {
  name: string
  /** Bytes. */
  size: number
  /** Media type; empty when unknown. */
  type: string
  /** Milliseconds since 1970. */
  lastModified?: number
  /** The bytes from `start` up to, not including, `end`. Reading fails with `SourceChanged` when the file did change. */
  slice(start: number, end: number): ByteSlice
}

/** The file is no longer the one that was added. */
export class SourceChanged extends Error {
  constructor(name: string, cause?: unknown) {
    super(`${name} changed or went away while it was being uploaded`, cause === undefined ? undefined : { cause })
    this.name = 'SourceChanged'
  }
}
