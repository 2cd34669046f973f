/**
 * A Node program that runs behind the walls: this Node, the code of this server and the packages it depends on, and
 * nothing that lies beside them. A checkout often holds the data folder, so the checkout itself is never shown.
 */
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { IsolatedProgram } from './sandbox.ts'

export interface NodeProgram {
  /** The module to run, a file of this server; `new URL('./decode.ts', import.meta.url)`. */
  entry: URL
  args?: string[]
  /** Bytes of JavaScript heap, without buffers, images and WebAssembly memory; absent for Node's own choice. */
  heap?: number
}

const packageFolder = fileURLToPath(new URL('../../../', import.meta.url))

/** What `IsolatedProgram` needs to run it; add to `readable` what it works on. */
export function nodeProgram({
  entry,
  args = [],
  heap,
}: NodeProgram): Pick<IsolatedProgram, 'command' | 'args' | 'readable'> {
  return {
    command: realpathSync(process.execPath),
    args: [
      ...(heap === undefined ? [] : [`--max-old-space-size=${Math.ceil(heap / 2 ** 20)}`]),
      fileURLToPath(entry),
      ...args,
    ],
    // `package.json` tells Node that the code is made of modules.
    readable: [join(packageFolder, 'package.json'), join(packageFolder, 'src'), ...dependencies()],
  }
}

/** The `node_modules` of this package and of every folder above it, where Node looks. */
function dependencies(): string[] {
  const found: string[] = []
  for (let folder = dirname(join(packageFolder, 'package.json')); ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules')
    if (existsSync(modules)) found.push(modules)
    if (folder === dirname(folder)) return found
  }
}
