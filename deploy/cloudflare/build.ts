/** Bundles the Worker into one module: `node deploy/cloudflare/build.ts`. `wrangler deploy` uploads what this writes. */
import { join } from 'node:path'
import { build } from 'esbuild'

/** Writes `dist/worker.js`, or to `outfile`. Fails when something in it needs more than what every runtime has. */
export async function buildWorker(outfile = join(import.meta.dirname, 'dist', 'worker.js')): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, 'src', 'worker.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2024',
    logLevel: 'warning',
  })
}

if (import.meta.main) await buildWorker()
