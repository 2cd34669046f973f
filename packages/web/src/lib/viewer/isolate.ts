/**
 * Makes everything on the page but `node` inert, as a modal dialog does, and stops the page behind from scrolling. Unlike
 * `showModal` it leaves the messages at the edge (`role="status"`) alive: that is where "Undo" is.
 */
export function isolate(node: HTMLElement): () => void {
  const made: HTMLElement[] = []
  for (let at: HTMLElement = node; at.parentElement !== null && at !== document.body; at = at.parentElement) {
    for (const other of at.parentElement.children) {
      if (other === at || !(other instanceof HTMLElement) || other.inert || other.role === 'status') continue
      if (other.getAttribute('role') === 'status' || other.querySelector('[role="status"]') !== null) continue
      other.inert = true
      made.push(other)
    }
  }
  const root = document.documentElement
  const before = root.style.overflow
  root.style.overflow = 'hidden'
  return () => {
    root.style.overflow = before
    for (const other of made) other.inert = false
  }
}
