/** Puts the script that shows the first photos into the page itself, where it need not be asked for. */
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const place = '<script id="first-paint-script"></script>'

/**
 * @param {string} web Folder of the package
 * @param {string} build
 */
export async function inlineFirstPaint(web, build) {
  const vite = createRequire(join(web, 'package.json')).resolve('vite/package.json')
  const { rolldown } = await import(pathToFileURL(createRequire(vite).resolve('rolldown')).href)
  const bundle = await rolldown({ input: join(web, 'src', 'lib', 'first-paint', 'first-paint.ts') })
  const { output } = await bundle.generate({ format: 'iife', minify: true })
  await bundle.close()
  const shell = join(build, 'index.html')
  const html = await readFile(shell, 'utf8')
  if (!html.includes(place)) throw new Error(`The page has no ${place}`)
  // A function, since a code may have `$` in it; nothing in it may end the element.
  const code = output[0].code.trim().replaceAll('</', '<\\/')
  await writeFile(
    shell,
    html.replace(place, () => `<script>${code}</script>`),
  )
}
