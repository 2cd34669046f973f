/**
 * Lets one process at a time decide about a database folder: create, start, adopt or stop. The kernel frees the lock
 * when its holder dies, however it dies, so there is no stale lock to judge. It is held for the decision only, never
 * while the database runs; Postgres' own `postmaster.pid` guards that.
 */
import { createHash } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Runs `decide` while no other process of this machine does for the same folder. Waits without limit of its own. */
export async function withStartLock<T>(folder: string, decide: () => Promise<T>): Promise<T> {
  const server = await acquire(addressOf(folder))
  try {
    return await decide()
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}

function addressOf(folder: string): string {
  const name = `heliograph-${createHash('sha256').update(folder).digest('hex').slice(0, 24)}`
  if (process.platform === 'linux') return `\0${name}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`
  return join(tmpdir(), `${name}.lock`)
}

async function acquire(address: string): Promise<Server> {
  for (;;) {
    const server = await listen(address)
    if (server !== undefined) return server
    // Only a path in the file system (macOS) outlives its holder: nobody answers there then.
    if (address.startsWith('/') && !(await answers(address))) await unlink(address)
    await sleep(50)
  }
}

function listen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(address, () => resolve(server))
  })
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
