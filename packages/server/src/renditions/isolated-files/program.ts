/** The program: `metadata <path> <type>` answers JSON; `without-location <path> <type> <output>` writes a copy. */
import { copyFile, type FileHandle, open, readFile, writeFile } from 'node:fs/promises'
import {
  patched,
  readImageMetadata,
  readVideoMetadata,
  removeImageLocation,
  type Source,
  videoLocationRemoval,
} from '../metadata/index.ts'

/** What the file is cannot be made into what was asked for. Anything else that is thrown is a defect, or a damaged file. */
class Impossible extends Error {}

function sourceOf(file: FileHandle, size: number): Source {
  return {
    size,
    async read(start, end) {
      const bytes = Buffer.alloc(Math.max(0, end - start))
      const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
      return bytes.subarray(0, bytesRead)
    },
  }
}

async function withSource<T>(path: string, work: (source: Source) => Promise<T>): Promise<T> {
  const file = await open(path)
  try {
    return await work(sourceOf(file, (await file.stat()).size))
  } finally {
    await file.close()
  }
}

async function copyImage(path: string, contentType: string, output: string): Promise<void> {
  const copy = await removeImageLocation(await readFile(path), contentType)
  if (copy === null || (await readImageMetadata(copy, contentType)).holdsLocation) {
    throw new Impossible('its places cannot be taken out for sure')
  }
  await writeFile(output, copy)
}

async function copyVideo(path: string, contentType: string, output: string): Promise<void> {
  await withSource(path, async (source) => {
    const removal = await videoLocationRemoval(source)
    if ('remux' in removal) throw new Impossible('its places are among its samples')
    if ((await readVideoMetadata(patched(source, removal.patches), contentType)).holdsLocation) {
      throw new Impossible('its places cannot be taken out for sure')
    }
    await copyFile(path, output)
    const copy = await open(output, 'r+')
    try {
      for (const { offset, bytes } of removal.patches) await copy.write(bytes, 0, bytes.length, offset)
    } finally {
      await copy.close()
    }
  })
}

const [task = '', path = '', contentType = '', output = ''] = process.argv.slice(2)
if (task === 'metadata') {
  const metadata = await withSource(path, (source) => readVideoMetadata(source, contentType))
  process.stdout.write(JSON.stringify({ ...metadata, capturedAt: metadata.capturedAt?.getTime() ?? null }))
} else if (task === 'without-location') {
  try {
    await (contentType.startsWith('image/') ? copyImage : copyVideo)(path, contentType, output)
  } catch (error) {
    if (!(error instanceof Impossible)) throw error
    process.stderr.write(error.message)
    process.exitCode = 3
  }
} else throw new Error(`There is no task ${task}`)
