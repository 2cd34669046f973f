/**
 * Which addresses are pages, and what each loads: so the build says. The styles of a page are written into it, since a browser
 * shows nothing before it has them all; its scripts are named in the head, so that they are fetched early.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { escapeAttribute } from './shell.ts'
import type { SiteFile } from './site-files.ts'

export interface Page {
  /** Markup for the end of the head. */
  head: string
  /** `'sha256-…'` of the styles in it, for the Content-Security-Policy. */
  styleHashes: string[]
}

export interface Pages {
  /** Null for an address that is no page. */
  find(path: string): Page | null
  /** What any other address gets. */
  other: Page
}

/** As `scripts/site/pages.mjs` writes it. Patterns are SvelteKit's, for decoded paths; the first that fits is the page. */
interface DescribedPage {
  pattern: string
  scripts: string[]
  styles: string[]
}

export interface ShellParts {
  html: string
  /** Paths of the styles that every page has. */
  styles: string[]
}

/** A build without the description has only pages: nothing is preloaded, and the site itself says what is none. */
export async function readPages(folder: string, shell: ShellParts, files: Map<string, SiteFile>): Promise<Pages> {
  const text = await readFile(join(folder, '.pages.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  const other = pageOf({ scripts: [], styles: [] }, shell, files)
  if (text === null) return { find: () => other, other }
  const pages = (JSON.parse(text) as DescribedPage[]).map((page) => ({
    pattern: new RegExp(page.pattern),
    page: pageOf(page, shell, files),
  }))
  return {
    find(path) {
      const decoded = decode(path)
      return pages.find(({ pattern }) => pattern.test(decoded))?.page ?? null
    },
    other,
  }
}

function pageOf(
  { scripts, styles }: Pick<DescribedPage, 'scripts' | 'styles'>,
  shell: ShellParts,
  files: Map<string, SiteFile>,
): Page {
  const all = [...new Set([...shell.styles, ...styles])]
  const written = new Map(all.flatMap((path) => withText(path, cssOf(files, path))))
  const css = [...written.values()].join('')
  const style = css === '' ? '' : `<style>${css}</style>`
  // The site looks for links to the styles of what it shows. One that is disabled is found and fetches nothing.
  const links = all.map(
    (path) => `<link rel="stylesheet" href="${escapeAttribute(path)}"${written.has(path) ? ' disabled' : ''}>`,
  )
  const missing = scripts.filter((path) => !shell.html.includes(`"${path}"`))
  const preloads = missing.map((path) => `<link rel="modulepreload" href="${escapeAttribute(path)}">`)
  const hash = `'sha256-${createHash('sha256').update(css).digest('base64')}'`
  return { head: [style, ...links, ...preloads].join(''), styleHashes: css === '' ? [] : [hash] }
}

/** Null for what has to be linked: addresses in it would be those of the page instead of the file's. */
function cssOf(files: Map<string, SiteFile>, path: string): string | null {
  const css = files.get(path)?.bytes.toString()
  return css === undefined || /<\/style|url\((?!["']?data:)/i.test(css) ? null : css
}

function withText(path: string, text: string | null): [string, string][] {
  return text === null ? [] : [[path, text]]
}

function decode(path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}
