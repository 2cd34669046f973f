/** Takes the first photos away once the grid shows its own: from the cache, so that nobody sees the change. */

/** Milliseconds; a picture that takes longer is no reason to keep two of it. */
const patience = 1_500

export function handOver(grid: HTMLElement): void {
  const first = document.getElementById('first-paint')
  if (first === null) return
  if (first.childElementCount === 0) {
    first.remove()
    return
  }
  const shown = [...grid.querySelectorAll<HTMLImageElement>('img[loading="eager"]')]
  const ready = Promise.allSettled(shown.map((image) => image.decode()))
  const late = new Promise((resolve) => setTimeout(resolve, patience))
  void Promise.race([ready, late]).then(() => requestAnimationFrame(() => first.remove()))
}
