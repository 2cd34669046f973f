/** Which addresses are pages, and what each loads besides the shell: so the build says. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { escapeAttribute } from './shell.ts'

export interface Page {
  /** Markup for the head that fetches the page's own scripts and styles early. */
  head: string
}

export interface Pages {
  /** Null for an address that is no page. */
  find(path: string): Page | null
}

/** As `scripts/site/pages.mjs` writes it. Patterns are SvelteKit's, for decoded paths; the first that fits is the page. */
interface DescribedPage {
  pattern: string
  scripts: string[]
  styles: string[]
}

/** A build without the description has only pages: nothing is preloaded, and the site itself says what is none. */
export async function readPages(folder: string, shell: string): Promise<Pages> {
  const text = await readFile(join(folder, '.pages.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (text === null) return { find: () => ({ head: '' }) }
  const pages = (JSON.parse(text) as DescribedPage[]).map((page) => ({
    pattern: new RegExp(page.pattern),
    head: headOf(page, shell),
  }))
  return {
    find(path) {
      const decoded = decode(path)
      return pages.find(({ pattern }) => pattern.test(decoded)) ?? null
    },
  }
}

function headOf({ scripts, styles }: DescribedPage, shell: string): string {
  const missing = (path: string) => !shell.includes(`"${path}"`)
  return [
    ...styles.filter(missing).map((path) => `<link rel="stylesheet" href="${escapeAttribute(path)}">`),
    ...scripts.filter(missing).map((path) => `<link rel="modulepreload" href="${escapeAttribute(path)}">`),
  ].join('')
}

function decode(path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}
