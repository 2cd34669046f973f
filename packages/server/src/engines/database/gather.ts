/**
 * One query for what many requests ask at the same time. Whoever asks while queries are under way goes with the next one,
 * which begins after it asked: nobody is told what was true before.
 */
export interface GatherOptions {
  /** Queries at once. */
  atOnce: number
  /** Questions of one query. */
  most: number
}

/** `load` answers in the order of the questions. Equal questions, by `keyOf`, are asked once. */
export function gather<Q, A>(
  load: (questions: Q[]) => Promise<A[]>,
  keyOf: (question: Q) => string,
  { atOnce, most }: GatherOptions,
): (question: Q) => Promise<A> {
  const waiting = new Map<string, { question: Q; answers: PromiseWithResolvers<A> }>()
  let running = 0

  function begin(): void {
    if (running >= atOnce || waiting.size === 0) return
    const taken = [...waiting].slice(0, most)
    for (const [key] of taken) waiting.delete(key)
    running += 1
    void ask(taken.map(([, entry]) => entry)).finally(() => {
      running -= 1
      begin()
    })
  }

  async function ask(entries: { question: Q; answers: PromiseWithResolvers<A> }[]): Promise<void> {
    try {
      const all = await load(entries.map(({ question }) => question))
      for (const [index, { answers }] of entries.entries()) {
        const answer = all[index]
        if (answer === undefined) answers.reject(new RangeError('A question of many was not answered'))
        else answers.resolve(answer)
      }
    } catch (error) {
      for (const { answers } of entries) answers.reject(error)
    }
  }

  return (question) => {
    const key = keyOf(question)
    const known = waiting.get(key)
    if (known !== undefined) return known.answers.promise
    const answers = Promise.withResolvers<A>()
    waiting.set(key, { question, answers })
    // Those of the same turn go together.
    queueMicrotask(begin)
    return answers.promise
  }
}
