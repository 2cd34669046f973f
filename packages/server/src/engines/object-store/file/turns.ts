/**
 * Lets a limited number of bodies be read at once, so that with a thousand of them each can still be written in large
 * batches within little memory. A turn lasts until a batch is written, or until nothing came for a moment: a slow client
 * cannot hold one. The others wait in order, and what their clients send waits in the kernel. With few bodies nobody
 * waits and turns never end.
 */

/** Milliseconds without a byte after which a turn passes on, when somebody waits for it. */
const idleAfter = 50

export interface Participant {
  /** The turn begins. */
  go(): void
  /** The turn is over: stop reading, and write what was gathered. */
  halt(): void
  /** Whether it waits for the disk. Then nothing comes because nothing is read, and its memory counts until the end. */
  isWriting(): boolean
}

export interface Turn {
  /** Whether others wait. */
  isCrowded(): boolean
  /** Something came. */
  touch(): void
  /** Passes the turn on when others wait, and takes a place at the end; otherwise it goes on. */
  pass(): void
  leave(): void
}

interface Place extends Participant {
  touched: boolean
}

export function createTurns(limit: number): { join(participant: Participant): Turn } {
  const running = new Set<Place>()
  /** A set keeps the order of insertion, and gives up a place in the middle at no cost. */
  const waiting = new Set<Place>()
  let idleCheck: NodeJS.Timeout | null = null

  function fill(): void {
    for (const place of waiting) {
      if (running.size >= limit) break
      waiting.delete(place)
      running.add(place)
      place.touched = true
      place.go()
    }
    watch()
  }

  /** The check for idle turns runs only while somebody waits. */
  function watch(): void {
    if (waiting.size > 0 && idleCheck === null) idleCheck = setInterval(passIdle, idleAfter).unref()
    if (waiting.size === 0 && idleCheck !== null) {
      clearInterval(idleCheck)
      idleCheck = null
    }
  }

  function passIdle(): void {
    for (const place of [...running]) {
      if (place.touched) place.touched = false
      else if (!place.isWriting()) pass(place)
    }
  }

  function pass(place: Place): void {
    if (waiting.size === 0 || !running.delete(place)) return
    place.halt()
    waiting.add(place)
    fill()
  }

  return {
    join(participant) {
      const place: Place = { ...participant, touched: true }
      waiting.add(place)
      fill()
      return {
        isCrowded: () => waiting.size > 0,
        touch: () => {
          place.touched = true
        },
        pass: () => pass(place),
        leave: () => {
          waiting.delete(place)
          if (running.delete(place)) fill()
        },
      }
    },
  }
}
