import assert from 'node:assert/strict'
import { it } from 'node:test'
import { describeFailure } from './failure.ts'
import { ApiProblem, ConnectionFailed, parseProblem, parseRetryAfter } from './problem.ts'

it('says what the server said, and what to do about it', () => {
  const problem = new ApiProblem({
    type: '/problems/quota-exceeded',
    title: 'Not enough storage left',
    status: 413,
    detail: 'This file needs 5 MB and 1 MB are left.',
  })
  const { message, advice } = describeFailure(problem)
  assert.equal(message, 'This file needs 5 MB and 1 MB are left.')
  assert.match(advice, /trash/)
})

it('makes a sentence of a proxy that answers a page', () => {
  const problem = parseProblem(502, () => null, '<html>Bad gateway</html>')
  assert.equal(problem.type, 'about:blank')
  assert.deepEqual(describeFailure(problem), {
    message: 'The server has a problem right now (502).',
    advice: 'Try again; what is uploaded already is kept.',
  })
})

it('tells a lost connection from a slow one', () => {
  assert.match(describeFailure(new ConnectionFailed('unreachable', 'x')).message, /cannot be reached/)
  assert.match(describeFailure(new ConnectionFailed('stalled', 'x')).message, /standstill/)
})

it('keeps the extension members of a problem', () => {
  const body = JSON.stringify({ type: '/problems/upload-incomplete', title: 'Missing', status: 409, missing: [3] })
  assert.deepEqual(parseProblem(409, () => null, body).extensions, { missing: [3] })
})

it('reads Retry-After as seconds and as a date', () => {
  assert.equal(parseRetryAfter('3', 0), 3)
  assert.equal(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4000), 6)
  assert.equal(parseRetryAfter('soon', 0), null)
  assert.equal(parseRetryAfter(null, 0), null)
})
