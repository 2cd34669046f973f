import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '../composition.ts'
import { loadConfig } from '../config/index.ts'
import type { Command } from './command.ts'
import { createLogger } from './logger.ts'

export const openapiCommand: Command = {
  name: 'openapi',
  summary: 'Print the OpenAPI 3.1 document of this version',
  usage: 'openapi [--out <file>] [--types <file>]',
  options: {
    out: { type: 'string', meaning: 'Write it to a file', placeholder: 'file' },
    types: { type: 'string', meaning: 'Write its TypeScript types to a file', placeholder: 'file' },
  },
  async run({ values, stdout }) {
    const document = await readDocument()
    if (typeof values.types === 'string') {
      // Loaded here only: it is there for those who develop Heliograph.
      const { typesOf } = await import('./openapi-types.ts')
      await writeFile(values.types, await typesOf(document))
      return 0
    }
    const text = `${JSON.stringify(document, null, 2)}\n`
    if (typeof values.out === 'string') await writeFile(values.out, text)
    else stdout.write(text)
    return 0
  },
}

/** From a server that runs for a moment on a free port with an empty folder: the document is what a client would get. */
export async function readDocument(): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-openapi-'))
  const config = loadConfig({ PORT: '0', OPS_PORT: '0', DATA_DIR: folder, ROLES: 'api,edge', LOG_LEVEL: 'error' })
  const server = await startServer(config, createLogger(config))
  try {
    const response = await fetch(`${server.address}/v1/openapi.json`)
    return await response.json()
  } finally {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}
