/** A fixed number of places, first come, first served. */

export interface Slots {
  /** Resolves with the function that gives the place back; rejects with the signal's reason when aborted before. */
  acquire(signal: AbortSignal): Promise<() => void>
}

export function createSlots(count: number): Slots {
  let free = count
  const waiting: (() => void)[] = []

  function enter(): () => void {
    let held = true
    return () => {
      if (!held) return
      held = false
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }

  return {
    acquire: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        if (free > 0) {
          free--
          return resolve(enter())
        }
        const take = () => {
          signal.removeEventListener('abort', leave)
          resolve(enter())
        }
        const leave = () => {
          waiting.splice(waiting.indexOf(take), 1)
          reject(signal.reason)
        }
        signal.addEventListener('abort', leave, { once: true })
        waiting.push(take)
      }),
  }
}
