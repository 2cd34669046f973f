/**
 * Hears the notifications of one channel on a connection of its own, for as long as the process wants. What was sent while
 * the connection was away is lost, as Postgres keeps nothing for those who do not listen: whoever uses this looks for
 * itself each time it is told that listening began.
 */
import pg from 'pg'

export interface ListenerOptions {
  url: string
  /** A plain identifier. */
  channel: string
  onNotification(payload: string): void
  /** From here on nothing is missed; called again after each connection that broke. */
  onListening(): void
  log: { warn(fields: object, message: string): void }
}

export interface Listener {
  close(): Promise<void>
}

/** Milliseconds before the first and between later tries to connect again. */
const firstPause = 100
const longestPause = 5_000

export function listen(options: ListenerOptions): Listener {
  let client: pg.Client | null = null
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let isClosed = false

  async function connect(): Promise<void> {
    const opened = new pg.Client({
      connectionString: options.url,
      application_name: 'heliograph listener',
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      connectionTimeoutMillis: 10_000,
    })
    client = opened
    let isLost = false
    const lose = (error: Error) => {
      if (isLost) return
      isLost = true
      opened.end().catch(() => undefined) // It is broken; there is nothing to say goodbye to.
      again(error)
    }
    opened.on('error', lose)
    opened.on('end', () => lose(new Error('The connection ended')))
    opened.on('notification', ({ payload }) => options.onNotification(payload ?? ''))
    try {
      await opened.connect()
      await opened.query(`listen ${opened.escapeIdentifier(options.channel)}`)
      failures = 0
      if (!isClosed) options.onListening()
    } catch (error) {
      lose(error instanceof Error ? error : new Error(String(error)))
    }
  }

  function again(error: Error): void {
    if (isClosed) return
    options.log.warn({ err: error, channel: options.channel }, 'the listening connection broke; connecting again')
    const longest = Math.min(longestPause, firstPause * 2 ** failures)
    failures += 1
    timer = setTimeout(() => void connect(), longest * (0.5 + Math.random() / 2))
  }

  void connect()
  return {
    async close() {
      isClosed = true
      clearTimeout(timer)
      await client?.end()
    },
  }
}
