/** What has to be known to start the decoding program inside the sandbox. */
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('./program/main.ts', import.meta.url))
/** The server's own sources, and its package.json, which says that they are modules. */
const server = fileURLToPath(new URL('../../../', import.meta.url))

/** What `program/` imports from npm. */
const packages = ['sharp', 'thumbhash', 'libheif-js', '@jsquash/jxl']

/** The folder of packages that a package was found in; its own dependencies lie there too. */
function packagesFolder(name: string): string {
  const parts = dirname(fileURLToPath(import.meta.resolve(name))).split(sep)
  return parts.slice(0, parts.lastIndexOf('node_modules') + 1).join(sep)
}

export const program = {
  command: process.execPath,
  // Pixels live outside V8's heap, which needs little; a small young generation keeps the program small.
  args: ['--max-old-space-size=256', '--max-semi-space-size=4', main],
  readable: [join(server, 'src'), join(server, 'package.json'), ...new Set(packages.map(packagesFolder))],
}
