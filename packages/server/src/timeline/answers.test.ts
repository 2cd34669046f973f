import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Answer, createAnswers } from './answers.ts'

const answerOf = (size: number): Answer => ({ body: Buffer.alloc(size), coding: null })
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('kept answers', () => {
  it('are made once for all who wait, and again when they are no longer true', async () => {
    const answers = createAnswers(1_000_000)
    let made = 0
    const make = async () => {
      made += 1
      return answerOf(10)
    }
    const [one, other] = await Promise.all([answers.get('a', '1', make), answers.get('a', '1', make)])
    assert.equal(one, other)
    assert.equal(await answers.get('a', '1', make), one)
    assert.equal(made, 1)
    assert.notEqual(await answers.get('a', '2', make), one)
    assert.equal(made, 2)
  })

  it('are forgotten when making them fails', async () => {
    const answers = createAnswers(1_000_000)
    await assert.rejects(
      answers.get('a', '1', () => Promise.reject(new Error('no'))),
      /no/,
    )
    assert.equal((await answers.get('a', '1', async () => answerOf(1))).body.length, 1)
  })

  it('are of the newest tag, whichever is made last', async () => {
    const answers = createAnswers(1_000_000)
    const slow = Promise.withResolvers<Answer>()
    const old = answers.get('a', '1', () => slow.promise)
    const fresh = answers.get('a', '2', async () => answerOf(2))
    await fresh
    slow.resolve(answerOf(1))
    assert.equal((await old).body.length, 1)
    assert.equal((await answers.get('a', '2', () => Promise.reject(new Error('made again')))).body.length, 2)
  })

  it('take no more room than they may, and go in the order in which they were last asked for', async () => {
    const answers = createAnswers(10_000)
    const made: string[] = []
    const ask = (place: string) =>
      answers.get(place, '1', async () => {
        made.push(place)
        return answerOf(2_500)
      })
    for (const place of ['a', 'b', 'c', 'a', 'd']) {
      await ask(place)
      await settled()
    }
    assert.ok(answers.bytes <= 10_000)
    made.length = 0
    await ask('a')
    assert.deepEqual(made, [])
    await ask('b')
    assert.deepEqual(made, ['b'])
    await answers.get('huge', '1', async () => answerOf(50_000))
    await settled()
    assert.equal(answers.bytes, 0)
  })
})
