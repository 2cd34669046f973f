/** The site as it was built: its files and its shell. */
import { join } from 'node:path'
import { type Pages, readPages } from './pages.ts'
import { parseShell, type Shell } from './shell.ts'
import { readSiteFiles, type SiteFile } from './site-files.ts'

export interface Site {
  files: Map<string, SiteFile>
  shell: Shell
  pages: Pages
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
  const html = files.get('/index.html')?.bytes.toString()
  if (html === undefined) return null
  const shell = parseShell(html)
  return { files, shell, pages: await readPages(folder, { html, styles: shell.styles }, files) }
}
