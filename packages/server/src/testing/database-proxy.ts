/** A database that can go away: a relay between the server and its Postgres that a test cuts and mends. */
import net from 'node:net'

export interface DatabaseProxy {
  url: string
  /** Breaks every connection, and refuses new ones until `mend`. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

export async function createDatabaseProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl)
  const folder = target.searchParams.get('host')
  const port = target.searchParams.get('port') ?? target.port
  const sockets = new Set<net.Socket>()
  let isCut = false

  const server = net.createServer((client) => {
    if (isCut) {
      client.destroy()
      return
    }
    const upstream =
      folder === null ? net.connect(Number(port || 5432), target.hostname) : net.connect(`${folder}/.s.PGSQL.${port}`)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The relay has no port')

  const url = new URL(databaseUrl)
  url.search = ''
  url.hostname = '127.0.0.1'
  url.port = String(address.port)
  return {
    url: url.href,
    cut() {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    mend() {
      isCut = false
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
