/**
 * A few decoding programs, started when there is work and ended when there is none for a while. Who finds all of them
 * busy waits in order. A program is replaced after a number of pictures, and when it has grown: what a decoder leaks, and
 * what a file may have left behind in it, does not last.
 */
import type { DecodingProcess } from './decoding-process.ts'

export interface Pool {
  /** Lends a program. `task` says whether it can be used again. Throws the reason of an aborted signal while waiting. */
  use<T>(
    task: (process: DecodingProcess) => Promise<{ result: T; reusable: boolean }>,
    signal?: AbortSignal,
  ): Promise<T>
  /** Ends all programs, also those at work, and refuses more. */
  close(): Promise<void>
}

export interface PoolRules {
  places: number
  /** Pictures that one program decodes at most. */
  pictures: number
  /** Bytes after which a program is replaced. */
  memory: number
  /** Seconds after which an idle program ends. */
  idle: number
}

interface Idle {
  process: DecodingProcess
  timer: NodeJS.Timeout
}

export function createPool(start: () => Promise<DecodingProcess>, rules: PoolRules): Pool {
  // The one used last is used first, so that those not needed come to their end.
  const idle: Idle[] = []
  const waiting: (() => void)[] = []
  const alive = new Set<DecodingProcess>()
  const underWay = new Set<Promise<DecodingProcess>>()
  let busy = 0
  let closed = false

  async function enter(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (busy < rules.places) {
      busy += 1
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = () => {
      waiting.splice(waiting.indexOf(resolve), 1)
      reject(signal?.reason)
    }
    waiting.push(resolve)
    signal?.addEventListener('abort', leave, { once: true })
    await promise.finally(() => signal?.removeEventListener('abort', leave))
  }

  /** The place is handed on, not given back, so that nobody can slip in between. */
  function leave(): void {
    const next = waiting.shift()
    if (next === undefined) busy -= 1
    else next()
  }

  async function take(): Promise<DecodingProcess> {
    if (closed) throw new Error('The image decoder is closed')
    const kept = idle.pop()
    if (kept !== undefined) {
      clearTimeout(kept.timer)
      return kept.process
    }
    const starting = startOne()
    underWay.add(starting)
    try {
      return await starting
    } finally {
      underWay.delete(starting)
    }
  }

  async function startOne(): Promise<DecodingProcess> {
    const process = await start()
    alive.add(process)
    void process.ended.then(() => {
      alive.delete(process)
      forget(process)
    })
    if (closed) process.kill()
    return process
  }

  function giveBack(process: DecodingProcess, reusable: boolean): void {
    const spent = process.done >= rules.pictures || process.memory > rules.memory
    if (!reusable || spent || closed) {
      process.kill()
      return
    }
    const timer = setTimeout(() => {
      forget(process)
      process.kill()
    }, rules.idle * 1000)
    timer.unref()
    idle.push({ process, timer })
  }

  function forget(process: DecodingProcess): void {
    const at = idle.findIndex((entry) => entry.process === process)
    if (at !== -1) for (const { timer } of idle.splice(at, 1)) clearTimeout(timer)
  }

  return {
    async use(task, signal) {
      await enter(signal)
      try {
        const process = await take()
        let reusable = false
        try {
          const outcome = await task(process)
          reusable = outcome.reusable
          return outcome.result
        } finally {
          giveBack(process, reusable)
        }
      } finally {
        leave()
      }
    },

    async close() {
      closed = true
      // Those just being started end when they see that it is closed.
      await Promise.allSettled(underWay)
      const ending = [...alive]
      for (const process of ending) process.kill()
      await Promise.all(ending.map((process) => process.ended))
    },
  }
}
