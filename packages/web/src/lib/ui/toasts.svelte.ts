/** Short sentences at the edge of the page: what happened, and how to take it back. */

export interface Toast {
  id: number
  text: string
  tone: 'plain' | 'error'
  action: { label: string; run(): void } | null
}

/** Long enough to read it and reach the button (WCAG 2.2.1 wants at least this for undo). Milliseconds. */
const life = 10_000

class Toasts {
  list = $state<Toast[]>([])
  /** Where they can be: on the page, and in each open dialog. */
  #places = $state.raw<readonly symbol[]>([])
  #last = 0
  #timers = new Map<number, ReturnType<typeof setTimeout>>()

  show(text: string, options: { tone?: Toast['tone']; action?: Toast['action'] } = {}): number {
    const toast: Toast = { id: ++this.#last, text, tone: options.tone ?? 'plain', action: options.action ?? null }
    this.list = [...this.list.slice(-2), toast]
    this.resume(toast.id)
    return toast.id
  }

  /**
   * One more place to be shown in, until the returned function is called. Only the last one shows them: what is outside of
   * the dialog that was opened last lies beneath it and cannot be pressed.
   */
  enter(place: symbol, { isPage }: { isPage: boolean }): () => void {
    this.#places = isPage ? [place, ...this.#places] : [...this.#places, place]
    this.#resumeAll()
    return () => {
      this.#places = this.#places.filter((one) => one !== place)
      this.#resumeAll()
    }
  }

  isShownIn(place: symbol): boolean {
    return this.#places.at(-1) === place
  }

  error(text: string): number {
    return this.show(text, { tone: 'error' })
  }

  dismiss(id: number): void {
    this.hold(id)
    this.list = this.list.filter((toast) => toast.id !== id)
  }

  /** While somebody points at it or has focus in it. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
  }

  /** Nobody points at what has just moved. */
  #resumeAll(): void {
    for (const { id } of this.list) this.resume(id)
  }

  resume(id: number): void {
    this.hold(id)
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), life),
    )
  }
}

export const toasts = new Toasts()
