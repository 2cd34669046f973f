/**
 * Whether the built site is that of the sources as they are. Plain JavaScript for any Node from 20 on, without dependencies:
 * `npm start` asks it each time, and it reads a few hundred small files.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What the build is made of: a file, or a folder with all that is in it. */
const sources = [
  'package-lock.json',
  'packages/client/package.json',
  'packages/client/src',
  'packages/web/package.json',
  'packages/web/src',
  'packages/web/static',
  'packages/web/tsconfig.json',
  'packages/web/vite.config.ts',
  'scripts/site',
]

/** @param {string} root */
export const buildFolder = (root) => join(root, 'packages', 'web', 'build')

/** Written last, so that a build that was broken off is none. */
export const markName = '.sources'

/** @param {string} root */
export function isSiteFresh(root) {
  try {
    return readFileSync(join(buildFolder(root), markName), 'utf8') === hashSources(root)
  } catch (error) {
    if (error.code === 'ENOENT') return false
    throw error
  }
}

/** @param {string} root */
export function hashSources(root) {
  const hash = createHash('sha256')
  for (const path of sources.flatMap((source) => listFiles(root, source)).sort()) {
    hash.update(`${path}\n`).update(
      createHash('sha256')
        .update(readFileSync(join(root, path)))
        .digest(),
    )
  }
  return hash.digest('hex')
}

/** Tests are no part of the site. */
function listFiles(root, path) {
  const info = statSync(join(root, path), { throwIfNoEntry: false })
  if (info === undefined || /\.test\.m?[jt]s$/.test(path)) return []
  if (!info.isDirectory()) return [path]
  return readdirSync(join(root, path)).flatMap((name) => listFiles(root, `${path}/${name}`))
}
