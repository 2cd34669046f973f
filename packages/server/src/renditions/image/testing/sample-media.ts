/** Real files of cameras and phones, which lie beside the project on machines that have them, and hostile ones. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** `shared/media` beside the project's own folder. */
const folder = join(import.meta.dirname, '../../../../../../../shared/media')

/** For a test's `skip`: false when the files are there. */
export const withoutSampleMedia = existsSync(folder) ? false : 'the sample media are not on this machine'

export const sampleMedia = (path: string): Buffer => readFileSync(join(folder, path))

export const sampleNames = (subfolder: string): string[] => readdirSync(join(folder, subfolder))
