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
  #last = 0
  #timers = new Map<number, ReturnType<typeof setTimeout>>()

  show(text: string, options: { tone?: Toast['tone']; action?: Toast['action'] } = {}): number {
    const toast: Toast = { id: ++this.#last, text, tone: options.tone ?? 'plain', action: options.action ?? null }
    this.list = [...this.list.slice(-2), toast]
    this.resume(toast.id)
    return toast.id
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

  resume(id: number): void {
    this.hold(id)
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), life),
    )
  }
}

export const toasts = new Toasts()
