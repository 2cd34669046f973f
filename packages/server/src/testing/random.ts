/** Random numbers that a seed repeats, for tests that print it when they fail. */

export interface Random {
  /** At least 0 and less than `below`. */
  integer(below: number): number
  pick<T>(items: readonly T[]): T
  shuffle<T>(items: readonly T[]): T[]
}

/** mulberry32 (Tommy Ettinger, public domain): 32 bits of state, enough for tests. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (below: number) => Math.floor(next() * below)
  return {
    integer,
    pick(items) {
      const item = items[integer(items.length)]
      if (item === undefined) throw new RangeError('There is nothing to pick from')
      return item
    },
    shuffle(items) {
      const rest = [...items]
      return items.map(() => rest.splice(integer(rest.length), 1)[0] as (typeof items)[number])
    },
  }
}
