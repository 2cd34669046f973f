/**
 * Ids of unfinished uploads in one JSON file, written whole and renamed into place. Two programs at once may forget one
 * another's ids; then those files are planned anew, which costs bytes but never a file.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ResumeStore } from '../upload/resume.ts'

/** `onUnusable` is told when the file cannot be read or written: that costs the resuming, not the upload. */
export function createFileResumeStore(path: string, onUnusable: (error: unknown) => void): ResumeStore {
  let loaded: Promise<Map<string, string>> | null = null
  let writing: Promise<void> = Promise.resolve()
  let isDirty = false

  async function load(): Promise<Map<string, string>> {
    try {
      const parsed: unknown = JSON.parse(await readFile(path, 'utf8'))
      const entries = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : []
      return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      if (!isMissing) onUnusable(error)
      return new Map()
    }
  }

  const ids = () => {
    loaded ??= load()
    return loaded
  }

  /** Changes that come while a write is under way go out together with the next one. */
  function save(): Promise<void> {
    if (isDirty) return writing
    isDirty = true
    writing = writing.then(write).catch(onUnusable)
    return writing
  }

  async function write(): Promise<void> {
    isDirty = false
    const text = JSON.stringify(Object.fromEntries(await ids()), null, 1)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(`${path}.new`, text, { mode: 0o600 })
    await rename(`${path}.new`, path)
  }

  return {
    get: async (key) => (await ids()).get(key) ?? null,
    async set(key, id) {
      const map = await ids()
      map.set(key, id)
      await save()
    },
    async delete(key) {
      if ((await ids()).delete(key)) await save()
    },
  }
}
