import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What Python's `zipfile`, an implementation that is not ours, finds in the archive: bytes by name. */
export async function unzip(archive: Uint8Array): Promise<Record<string, Buffer>> {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-unzip-'))
  try {
    const path = join(folder, 'archive.zip')
    await writeFile(path, archive)
    const script = `import sys, json, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps({n: z.read(n).hex() for n in z.namelist()}))`
    const { stdout } = await promisify(execFile)('python3', ['-c', script, path], { maxBuffer: 2 ** 26 })
    const read = JSON.parse(stdout) as Record<string, string>
    return Object.fromEntries(Object.entries(read).map(([name, hex]) => [name, Buffer.from(hex, 'hex')]))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
