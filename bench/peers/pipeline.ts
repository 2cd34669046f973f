/**
 * The floor: Node's own `pipeline` from a request to a file, with nothing else. `FSYNC=1` makes each file durable
 * before it is acknowledged, as ours is.
 */
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const { PORT = '0', DIR = '.', FSYNC } = process.env

createServer((request, response) => {
  const file = createWriteStream(join(DIR, randomUUID()), { flags: 'wx', flush: FSYNC === '1' })
  pipeline(request, file).then(
    () => response.writeHead(201).end(),
    (error: Error) => response.writeHead(500).end(error.message),
  )
}).listen(Number(PORT), '127.0.0.1')
