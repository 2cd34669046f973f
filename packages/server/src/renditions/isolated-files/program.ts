/** The program: `metadata <path> <type>` answers JSON; `without-location <path> <type> <output>` writes a copy. */
import { open } from 'node:fs/promises'
import { readVideoMetadata, type Source } from '../metadata/index.ts'

async function withSource<T>(path: string, work: (source: Source) => Promise<T>): Promise<T> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    return await work({
      size,
      async read(start, end) {
        const bytes = Buffer.alloc(Math.max(0, end - start))
        const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
        return bytes.subarray(0, bytesRead)
      },
    })
  } finally {
    await file.close()
  }
}

const [task = '', path = '', contentType = ''] = process.argv.slice(2)
if (task === 'metadata') {
  const metadata = await withSource(path, (source) => readVideoMetadata(source, contentType))
  process.stdout.write(JSON.stringify({ ...metadata, capturedAt: metadata.capturedAt?.getTime() ?? null }))
} else throw new Error(`There is no task ${task}`)
