/** Asks a server that does not answer again and again, at longer and longer distances, and at once when the network is back. */

/** Milliseconds. */
const first = 2_000
const longest = 30_000

/** Calls `onBack` once when `ping` succeeds. Returns what ends it. */
export function untilBack(ping: () => Promise<unknown>, onBack: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let delay = first
  let isOver = false

  async function ask(): Promise<void> {
    clearTimeout(timer)
    try {
      await ping()
    } catch {
      if (isOver) return
      timer = setTimeout(ask, delay)
      delay = Math.min(longest, delay * 2)
      return
    }
    if (isOver) return
    end()
    onBack()
  }

  function end(): void {
    isOver = true
    clearTimeout(timer)
    removeEventListener('online', ask)
  }

  addEventListener('online', ask)
  timer = setTimeout(ask, delay)
  return end
}
