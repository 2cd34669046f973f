/** The site as it was built: its files and its shell. */
import { join } from 'node:path'
import { parseShell, type Shell } from './shell.ts'
import { readSiteFiles, type SiteFile } from './site-files.ts'

export interface Site {
  files: Map<string, SiteFile>
  shell: Shell
}

/** Where `npm run build` leaves it. */
export const siteFolder: string = join(import.meta.dirname, '..', '..', '..', 'web', 'build')

/** Null when the site has not been built. */
export async function openSite(folder: string): Promise<Site | null> {
  let files: Map<string, SiteFile>
  try {
    files = await readSiteFiles(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
  const shell = files.get('/index.html')
  return shell === undefined ? null : { files, shell: parseShell(shell.bytes.toString()) }
}
