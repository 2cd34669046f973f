/**
 * Downloads one original: into `<name>.part`, going on where an earlier try ended, and under its name only when all of it
 * is there with the right SHA-256. What could go wrong: the connection (tried again), the signed URL expires (asked anew),
 * the bytes are wrong (once more from the start), the disk is full (said).
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { link, rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { type Asset, type Client, ConnectionFailed } from '@heliograph/client'
import { CommandError } from './command.ts'
import { safeText } from './progress-text.ts'
import { isSystemError } from './upload-scan.ts'

export interface DownloadOptions {
  client: Client
  asset: Asset
  /** Where it goes. */
  path: string
  /** Replaces what is at `path`. */
  force: boolean
  signal: AbortSignal
  /** Bytes that are there. */
  onProgress(bytes: number): void
}

export type DownloadResult = 'downloaded' | 'already-there'

const tries = 6

export async function download(options: DownloadOptions): Promise<DownloadResult> {
  const { asset, path, force } = options
  const part = `${path}.part`
  const existing = await sizeOf(path)
  if (existing !== null && !force) {
    if (existing === asset.size && (await isIntact(path, asset))) return 'already-there'
    throw new CommandError(
      `${safeText(path)} exists and is another file. Use --force to replace it, or -o for another folder.`,
    )
  }
  await fetchWhole(options, part)
  if (!(await isIntact(part, asset))) {
    await rm(part)
    await fetchWhole(options, part)
    if (!(await isIntact(part, asset))) {
      await rm(part)
      throw new CommandError(`${safeText(asset.filename)} arrived damaged twice. Something on the way changes data.`)
    }
  }
  await putInPlace(part, path, force)
  return 'downloaded'
}

/** One's own always has one; an album of another may not give it. */
function originalOf({ urls, filename }: DownloadOptions['asset']): string {
  if (urls.original === null)
    throw new ConnectionFailed('unreachable', `${safeText(filename)} has no original to download`)
  return urls.original
}

/** Fetches until `part` has every byte. */
async function fetchWhole({ client, asset, signal, onProgress }: DownloadOptions, part: string): Promise<void> {
  let url = originalOf(asset)
  for (let failures = 0; ; ) {
    const start = (await sizeOf(part)) ?? 0
    if (start === asset.size) return
    // Left by a download of another file of that name.
    if (start > asset.size) await rm(part)
    try {
      const outcome = await fetchRest(
        new URL(url, client.baseUrl),
        start > asset.size ? 0 : start,
        part,
        signal,
        onProgress,
      )
      if (outcome === 'expired') url = originalOf(await client.assets.get(asset.id, { signal }))
      if (outcome === 'done' && (await sizeOf(part)) === asset.size) return
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (isSystemError(error) && (error.code === 'ENOSPC' || error.code === 'EACCES')) throw error
      if (!(error instanceof TypeError || error instanceof ConnectionFailed || isSystemError(error))) throw error
    }
    if (++failures === tries) {
      throw new ConnectionFailed('unreachable', `${safeText(asset.filename)} could not be downloaded`)
    }
    await setTimeout(Math.random() * 500 * 2 ** failures, undefined, { signal })
  }
}

async function fetchRest(
  url: URL,
  start: number,
  part: string,
  signal: AbortSignal,
  onProgress: (bytes: number) => void,
): Promise<'done' | 'expired' | 'again'> {
  const response = await fetch(url, { signal, headers: start > 0 ? { range: `bytes=${start}-` } : {} })
  if (response.status === 403 || response.status === 410) return 'expired'
  if (response.status === 416) {
    await rm(part, { force: true })
    return 'again'
  }
  if (!response.ok || response.body === null) return 'again'
  // 200 to a range means that the whole file comes.
  let bytes = response.status === 206 ? start : 0
  const counted = async function* (source: AsyncIterable<Uint8Array>) {
    for await (const chunk of source) {
      bytes += chunk.byteLength
      onProgress(bytes)
      yield chunk
    }
  }
  const file = createWriteStream(part, { flags: bytes > 0 ? 'a' : 'w' })
  await pipeline(response.body, counted, file, { signal })
  return 'done'
}

async function isIntact(path: string, { sha256 }: Asset): Promise<boolean> {
  if (sha256 === null) return true
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex') === sha256
}

/** A link fails when the name was taken meanwhile; a rename would replace it. */
async function putInPlace(part: string, path: string, force: boolean): Promise<void> {
  if (force) return rename(part, path)
  try {
    await link(part, path)
  } catch (error) {
    // File systems without links (FAT, some networks) leave the rename.
    if (isSystemError(error) && error.code !== 'EEXIST') return rename(part, path)
    throw new CommandError(
      `${safeText(path)} was made by another program meanwhile. The download is in ${safeText(part)}.`,
    )
  }
  await rm(part)
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return null
    throw error
  }
}
