/** Real files of cameras and phones, which lie beside the project on machines that have them, and hostile ones. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

/** `shared/media` beside the project's own folder. */
const folder = join(import.meta.dirname, '../../../../../../../shared/media')

const areThere = existsSync(folder)

/** `test` and `describe` of node:test. Where the files are not there, there is nothing to test, and nothing that was skipped. */
export const testSamples = areThere ? test : () => undefined
export const describeSamples = areThere ? describe : () => undefined

export const sampleMedia = (path: string): Buffer => readFileSync(join(folder, path))

export const sampleNames = (subfolder: string): string[] => readdirSync(join(folder, subfolder))
