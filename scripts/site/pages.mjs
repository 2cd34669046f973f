/**
 * Writes beside the site which addresses are pages and what each loads, from what SvelteKit tells the adapters of servers. With it
 * the server names a page's own scripts and styles in the head, which a browser would else learn of one round trip later.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Hidden, so that it is not served. */
export const pagesName = '.pages.json'

/**
 * @param {string} output Folder of SvelteKit's output for servers
 * @param {string} build
 */
export async function describePages(output, build) {
  const { manifest } = await load(join(output, 'manifest-full.js'))
  const always = new Set(manifest.client.imports)
  const pages = []
  for (const { pattern, page } of manifest.routes) {
    if (page === null) continue
    const numbers = [...page.layouts, page.leaf].filter((number) => number !== undefined)
    const nodes = await Promise.all(numbers.map((number) => load(join(output, 'nodes', `${number}.js`))))
    pages.push({
      pattern: pattern.source,
      scripts: paths(nodes.flatMap(({ imports }) => imports).filter((path) => !always.has(path))),
      styles: paths(nodes.flatMap(({ stylesheets }) => stylesheets)),
    })
  }
  await writeFile(join(build, pagesName), JSON.stringify(pages))
}

/** Anew, whatever this process has loaded of an earlier build. */
function load(path) {
  return import(`${pathToFileURL(path)}?${Date.now()}`)
}

function paths(names) {
  return [...new Set(names)].map((name) => `/${name}`)
}
