/** What a page does besides while files are on their way: keeps a phone awake, and says in the tab's title how far it is. */

export interface WakeLock {
  want(isWanted: boolean): void
}

/** Only phones and tablets, whose screen going dark ends the network of a page; a desktop sleeps when its person wants it to. */
export function createWakeLock(): WakeLock {
  let isWanted = false
  let lock: WakeLockSentinel | null = null
  let isAsking = false
  const canLock = 'wakeLock' in navigator && matchMedia('(pointer: coarse)').matches

  async function settle(): Promise<void> {
    if (!canLock || isAsking) return
    if (!isWanted) {
      void lock?.release()
      lock = null
      return
    }
    if (lock !== null || document.hidden) return
    isAsking = true
    try {
      lock = await navigator.wakeLock.request('screen')
      // The browser takes it back whenever the page is hidden.
      lock.addEventListener('release', () => {
        lock = null
      })
    } catch {
      // Refused, as with little battery: the upload goes on as long as the phone lets it.
    } finally {
      isAsking = false
    }
    if (!isWanted) void settle()
  }

  document.addEventListener('visibilitychange', () => void settle())
  return {
    want(now) {
      if (now === isWanted) return
      isWanted = now
      void settle()
    },
  }
}

export interface TabTitle {
  /** Null: as the page has it. */
  show(text: string | null): void
}

/** Only while the tab is hidden: in sight there is the tray. */
export function createTabTitle(): TabTitle {
  let own: string | null = null
  let shown: string | null = null

  function restore(): void {
    // Unless the page has another one by now.
    if (own !== null && document.title === shown) document.title = own
    own = null
    shown = null
  }

  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) restore()
  })
  return {
    show(text) {
      if (text === null || !document.hidden) return restore()
      if (document.title !== shown) own = document.title
      shown = `${text} · ${own}`
      document.title = shown
    },
  }
}

/** Asks before the page is left, while `isNeeded`. The listener is there only then: it costs the quick way back to the page. */
export function createLeaveGuard() {
  let isOn = false
  const ask = (event: BeforeUnloadEvent) => event.preventDefault()
  return {
    want(isNeeded: boolean): void {
      if (isNeeded === isOn) return
      isOn = isNeeded
      if (isNeeded) addEventListener('beforeunload', ask)
      else removeEventListener('beforeunload', ask)
    },
  }
}
