/** `@tus/server` with its file store, as its documentation sets it up. It does not fsync. */
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

const { PORT = '0', DIR = '.' } = process.env

const server = new Server({ path: '/files', datastore: new FileStore({ directory: DIR }) })
server.listen({ host: '127.0.0.1', port: Number(PORT) })
