/**
 * Reads a `multipart/form-data` body (RFC 7578) whose fields come first and whose one file comes last, as browsers send a
 * form made for an object store. The file is a stream; nothing of it is kept in memory.
 */
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { Busboy, type BusboyHeaders } from '@fastify/busboy'
import { problems } from '../../problem.ts'

export interface FormFile {
  /** Those that came before the file. */
  fields: Record<string, string>
  name: string
  type: string
  /** Fails when the form ends in the middle of it. */
  body: Readable
}

const limits = { fields: 50, fieldSize: 16_384, files: 1, parts: 51, headerPairs: 20 }

/**
 * Calls `receive` with the file and settles as it does. The request is not destroyed, and what follows the file is thrown away.
 * Throws `invalid-request` for a body that is no form or has no file.
 */
export function readForm<T>(request: IncomingMessage, receive: (file: FormFile) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const parser = createParser(request)
    const fields: Record<string, string> = Object.create(null)
    let file: Readable | null = null

    const onClose = () => {
      if (!request.complete) file?.destroy(new Error('The client closed the connection in the middle of the form'))
    }
    const end = () => {
      request.unpipe(parser).off('close', onClose)
      // A parser that is given up still says what it lacks.
      parser.on('error', () => undefined)
    }

    parser.on('field', (name, value) => {
      fields[name] = value
    })
    parser.on('file', (_field, stream, name, _encoding, type) => {
      file = stream
      receive({ fields, name, type, body: stream }).then(
        (result) => {
          end()
          request.resume()
          resolve(result)
        },
        (error) => {
          end()
          reject(error)
        },
      )
    })
    parser.on('error', (error) => {
      if (file === null) reject(problems.invalidRequest('The form cannot be read.', { cause: error }))
      else file.destroy(error instanceof Error ? error : new Error(String(error)))
    })
    parser.on('finish', () => {
      if (file === null) reject(problems.invalidRequest('The form has no file.'))
    })
    request.on('close', onClose)
    request.on('error', onClose)
    request.pipe(parser)
  })
}

function createParser(request: IncomingMessage) {
  try {
    return new Busboy({ headers: request.headers as BusboyHeaders, limits, isPartAFile: (name) => name === 'file' })
  } catch (error) {
    throw problems.invalidRequest('This takes a multipart/form-data body with a boundary.', { cause: error })
  }
}
