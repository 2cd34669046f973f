import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gather } from './gather.ts'

describe('questions that are asked together', () => {
  function setUp(atOnce = 1) {
    const batches: { questions: string[]; answer: PromiseWithResolvers<string[]> }[] = []
    const ask = gather(
      (questions: string[]) => {
        const answer = Promise.withResolvers<string[]>()
        batches.push({ questions, answer })
        return answer.promise
      },
      (question) => question,
      { atOnce, most: 3 },
    )
    const answerNext = async () => {
      const batch = batches.shift()
      assert.ok(batch)
      batch.answer.resolve(batch.questions.map((question) => question.toUpperCase()))
      await new Promise((resolve) => setImmediate(resolve))
      return batch.questions
    }
    return { batches, ask, answerNext }
  }

  it('go in one query, equal ones once', async () => {
    const { ask, answerNext } = setUp()
    const answers = Promise.all(['a', 'b', 'a'].map(ask))
    await Promise.resolve()
    assert.deepEqual(await answerNext(), ['a', 'b'])
    assert.deepEqual(await answers, ['A', 'B', 'A'])
  })

  it('never get the answer to a query that was under way before', async () => {
    const { ask, answerNext } = setUp()
    const first = ask('a')
    await Promise.resolve()
    const later = ask('a')
    assert.deepEqual(await answerNext(), ['a'])
    assert.equal(await first, 'A')
    assert.deepEqual(await answerNext(), ['a'])
    assert.equal(await later, 'A')
  })

  it('go in several queries where they are many', async () => {
    const { ask, answerNext } = setUp()
    const answers = Promise.all(['a', 'b', 'c', 'd'].map(ask))
    await Promise.resolve()
    assert.deepEqual(await answerNext(), ['a', 'b', 'c'])
    assert.deepEqual(await answerNext(), ['d'])
    assert.deepEqual(await answers, ['A', 'B', 'C', 'D'])
  })

  it('fail together, and not those of the next query', async () => {
    const { batches, ask, answerNext } = setUp()
    const failing = [ask('a'), ask('b')]
    await Promise.resolve()
    const next = ask('c')
    batches.shift()?.answer.reject(new Error('no'))
    for (const one of failing) await assert.rejects(one, /no/)
    await answerNext()
    assert.equal(await next, 'C')
  })
})
