/** Notices that a transfer has come to rest, which TCP alone may take a quarter of an hour to do. */
import { ConnectionFailed } from '../problem.ts'

export interface Watchdog {
  /** Aborts when `outer` does, with its reason, or with `ConnectionFailed` of kind `stalled` after the silence. */
  signal: AbortSignal
  /** Something moved. */
  touch(): void
  stop(): void
}

/** `silenceMs`: how long nothing may move, milliseconds. */
export function createWatchdog(outer: AbortSignal, silenceMs: number): Watchdog {
  const controller = new AbortController()
  const onAbort = () => controller.abort(outer.reason)
  if (outer.aborted) onAbort()
  outer.addEventListener('abort', onAbort)

  const bark = () => {
    const seconds = Math.round(silenceMs / 1000)
    controller.abort(new ConnectionFailed('stalled', `Nothing moved for ${seconds} s`))
  }
  let timer = setTimeout(bark, silenceMs)
  return {
    signal: controller.signal,
    touch() {
      clearTimeout(timer)
      timer = setTimeout(bark, silenceMs)
    },
    stop() {
      clearTimeout(timer)
      outer.removeEventListener('abort', onAbort)
    },
  }
}
