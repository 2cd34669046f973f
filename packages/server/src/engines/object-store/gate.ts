/** Lets a limited number of tasks run at once; the others wait in order. */
export type Gate = <T>(task: () => Promise<T>) => Promise<T>

export function createGate(places: number): Gate {
  const waiting: (() => void)[] = []
  let running = 0

  return async (task) => {
    if (running >= places) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await task()
    } finally {
      // The place is handed on, not given back, so that nobody can slip in between.
      const nextInLine = waiting.shift()
      if (nextInLine === undefined) running -= 1
      else nextInLine()
    }
  }
}
