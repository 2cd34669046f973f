/**
 * Which pages of this browser are alive, so that what a closed one left unfinished is taken up by exactly one other, and what
 * a living one is at work on by none.
 */

const prefix = 'heliograph-uploads:'
const channelName = 'heliograph-uploads'
/** Milliseconds that another page gets to say that it lives, where there are no locks. */
const patience = 400

export interface Presence {
  /** Of this page. */
  readonly id: string
  /** From now on this page counts as alive, until it is closed or `leave` is called. */
  enter(): void
  leave(): void
  /** Runs `work` in one page at a time, and tells it who else is alive. */
  exclusively(work: (alive: ReadonlySet<string>) => Promise<void>): Promise<void>
}

export function createPresence(): Presence {
  const id = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  )
  // Browsers have locks on pages with HTTPS only.
  return navigator.locks === undefined ? byChannel(id) : byLocks(id, navigator.locks)
}

/** A lock ends with its page, however that ends. */
function byLocks(id: string, locks: LockManager): Presence {
  let leave: (() => void) | null = null
  return {
    id,
    enter() {
      if (leave !== null) return
      const stay = Promise.withResolvers<void>()
      leave = stay.resolve
      void locks.request(prefix + id, () => stay.promise)
    },
    leave() {
      leave?.()
      leave = null
    },
    async exclusively(work) {
      await locks.request(`${prefix}claim`, async () => {
        const { held = [] } = await locks.query()
        const names = held.flatMap(({ name }) => (name?.startsWith(prefix) ? [name.slice(prefix.length)] : []))
        await work(new Set(names))
      })
    },
  }
}

/** Asks around. Two pages that open in the same moment may both take up the same; the server takes each file once. */
function byChannel(id: string): Presence {
  const channel = new BroadcastChannel(channelName)
  let isHere = false
  const alive = new Set<string>()
  channel.onmessage = ({ data }: MessageEvent<{ ask?: true; alive?: string }>) => {
    if (data.ask === true && isHere) channel.postMessage({ alive: id })
    if (data.alive !== undefined) alive.add(data.alive)
  }
  return {
    id,
    enter() {
      isHere = true
    },
    leave() {
      isHere = false
    },
    async exclusively(work) {
      alive.clear()
      channel.postMessage({ ask: true })
      await new Promise((resolve) => setTimeout(resolve, patience))
      await work(alive)
    },
  }
}
