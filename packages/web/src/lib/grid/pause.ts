/** Does something once when calls for it have come, however many: a while after the first of them. */
export function createPause(milliseconds: number, run: () => Promise<void>) {
  let timer: ReturnType<typeof setTimeout> | null = null
  let running: Promise<void> | null = null

  function stop(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
  }

  function now(): void {
    stop()
    if (running !== null) {
      soon()
      return
    }
    running = run().finally(() => {
      running = null
    })
  }

  function soon(): void {
    timer ??= setTimeout(now, milliseconds)
  }

  return { soon, now, stop }
}
