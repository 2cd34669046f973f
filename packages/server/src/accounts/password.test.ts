import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isProblem } from '../problem.ts'
import { createPasswords, parsePhc } from './password.ts'

const withCode = (code: string) => (error: unknown) => isProblem(error) && error.code === code

test('a password verifies against its own hash only', async () => {
  const passwords = createPasswords()
  const stored = await passwords.hash('correct horse')
  assert.match(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.equal(await passwords.verify('correct horse', stored), true)
  assert.equal(await passwords.verify('correct hors', stored), false)
  assert.equal(await passwords.verify('', stored), false)
  assert.notEqual(await passwords.hash('correct horse'), stored, 'the salt is new each time')
})

test('a password typed in another Unicode form is the same', async () => {
  const passwords = createPasswords()
  const stored = await passwords.hash('caf\u00e9 \ufb01ne')
  assert.equal(await passwords.verify('cafe\u0301 fine', stored), true)
})

test('length is the only rule', async () => {
  const passwords = createPasswords()
  await assert.rejects(passwords.hash('1234567'), withCode('invalid-request'))
  await assert.rejects(passwords.hash('😀😀😀😀😀😀😀'), withCode('invalid-request'), 'seven characters are seven')
  await assert.rejects(passwords.hash('x'.repeat(1_025)), withCode('invalid-request'))
  await assert.rejects(passwords.hash('\ud83d12345678'), withCode('invalid-request'))
  await passwords.hash('aaaaaaaa')
})

test('verifying against nothing takes as long as against a hash, and fails', async () => {
  const passwords = createPasswords()
  const stored = await passwords.hash('correct horse')
  const time = async (against: string | null) => {
    const times: number[] = []
    for (let run = 0; run < 9; run++) {
      const start = performance.now()
      assert.equal(await passwords.verify('wrong horse', against), false)
      times.push(performance.now() - start)
    }
    return times.sort((a, b) => a - b)[4] ?? 0
  }
  const [known, unknown] = [await time(stored), await time(null)]
  assert.ok(unknown > known / 4, `the median was ${unknown} ms for nobody and ${known} ms for somebody`)
})

test('who comes when the queue is full is told to come back, and the queue drains', async () => {
  const passwords = createPasswords({ concurrency: 1, maxWaiting: 2 })
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => passwords.verify('password', null)))
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
  )
  const refused = results.find((result) => result.status === 'rejected')
  assert.ok(isProblem(refused?.reason) && refused.reason.status === 503 && refused.reason.retryAfter !== undefined)
  assert.equal(await passwords.verify('password', null), false)
})

test('a stored hash of any other form is refused', async () => {
  const stored = await createPasswords().hash('correct horse')
  assert.ok(parsePhc(stored))
  for (const other of [
    '',
    'correct horse',
    stored.replace('argon2id', 'argon2i'),
    stored.replace('v=19', 'v=16'),
    stored.replace('m=19456,t=2', 't=2,m=19456'),
    stored.replace('m=19456', 'm=0'),
    stored.replace('m=19456', 'm=019456'),
    `${stored}=`,
    `${stored}\n`,
    stored.slice(0, -1),
    `${stored.slice(0, -1)}_`,
  ]) {
    assert.throws(() => parsePhc(other), /PHC/)
  }
})
