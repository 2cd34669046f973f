/**
 * What a tile shows until its picture is there. Its colour is read at once; the blurred picture is decoded when the browser has
 * nothing better to do, so that scrolling never waits for it.
 */
import { thumbHashToAverageRGBA, thumbHashToDataURL } from 'thumbhash'

/** Some 4 KB each. */
const mostKept = 1500
const kept = new Map<string, string>()
const waiting = new Map<string, Set<(url: string) => void>>()
let isAtWork = false

/** A CSS colour; null for a hash that is none. */
export function colorOf(thumbhash: string): string | null {
  try {
    const { r, g, b } = thumbHashToAverageRGBA(bytesOf(thumbhash))
    const part = (value: number) => Math.round(value * 255)
    return `rgb(${part(r)} ${part(g)} ${part(b)})`
  } catch {
    // Of another version of the server, or damaged: the plain colour of a tile does.
    return null
  }
}

/** Calls back with a data URL, at once when it was decoded before. Returns what ends the wish. */
export function whenDecoded(thumbhash: string, tell: (url: string) => void): () => void {
  const known = kept.get(thumbhash)
  if (known !== undefined) {
    tell(known)
    return () => undefined
  }
  const wishes = waiting.get(thumbhash) ?? new Set()
  waiting.set(thumbhash, wishes.add(tell))
  workSoon()
  return () => {
    wishes.delete(tell)
    if (wishes.size === 0) waiting.delete(thumbhash)
  }
}

function workSoon(): void {
  if (isAtWork) return
  isAtWork = true
  if ('requestIdleCallback' in globalThis) requestIdleCallback(work, { timeout: 500 })
  else setTimeout(() => work({ timeRemaining: () => 4 }), 30)
}

function work(deadline: Pick<IdleDeadline, 'timeRemaining'>): void {
  isAtWork = false
  let done = 0
  for (const [thumbhash, wishes] of waiting) {
    // At least one each time, or a page that is never idle would never show any.
    if (done > 0 && deadline.timeRemaining() < 2) break
    done += 1
    waiting.delete(thumbhash)
    const url = decode(thumbhash)
    if (url === null) continue
    for (const tell of wishes) tell(url)
  }
  if (waiting.size > 0) workSoon()
}

function decode(thumbhash: string): string | null {
  try {
    const url = thumbHashToDataURL(bytesOf(thumbhash))
    kept.set(thumbhash, url)
    const oldest = kept.keys().next()
    if (kept.size > mostKept && oldest.done !== true) kept.delete(oldest.value)
    return url
  } catch {
    return null
  }
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
}
