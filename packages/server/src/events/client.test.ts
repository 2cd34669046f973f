import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AccountEvent, ApiProblem, createClient, type EventReset, type EventsOptions } from '@heliograph/client'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { publishEvents } from './publish.ts'

let server: TestServer
let ann: TestAccount

before(async () => {
  server = await startTestServer({}, { eventStreams: { retry: { from: 1, to: 5 }, heartbeat: 0.2 } })
  ann = await server.register('ann')
})
after(() => server.close())

const publish = (id: string) =>
  publishEvents(server.engines.db, [
    { accountId: ann.id, type: 'upload.updated', id, state: 'completed', data: { n: 1 } },
  ])

/** A client over a network that a test can break. */
function connect(token = ann.token) {
  const connections: AbortController[] = []
  const client = createClient({
    baseUrl: server.address,
    token,
    fetch: (input, init) => {
      const connection = new AbortController()
      connections.push(connection)
      const signal = AbortSignal.any([connection.signal, ...(init?.signal ? [init.signal] : [])])
      return fetch(input, { ...init, signal })
    },
  })
  return { client, connections, breakOff: () => connections.at(-1)?.abort(new TypeError('network error')) }
}

/** Its events, once nothing is missed any more. */
async function begin(client: ReturnType<typeof createClient>, options: EventsOptions = {}) {
  const opened = Promise.withResolvers<void>()
  const events = client.events({ ...options, onOpen: opened.resolve })
  const first = events.next()
  await opened.promise
  let isFirst = true
  const next = async (): Promise<AccountEvent | EventReset | undefined> => {
    const { value } = await (isFirst ? first : events.next())
    isFirst = false
    return value ?? undefined
  }
  return { next, end: () => events.return() }
}

test('the client reads events with their types, and over broken connections each once', async () => {
  const { client, connections, breakOff } = connect()
  const { next, end } = await begin(client)
  await publish('1')
  const event = await next()
  assert.deepEqual(event, {
    type: 'upload.updated',
    eventId: event?.eventId,
    id: '1',
    state: 'completed',
    data: { n: 1 },
  })
  for (const id of ['2', '3', '4']) {
    breakOff()
    await publish(id)
    const later = await next()
    assert.ok(later !== undefined && later.type !== 'reset')
    assert.equal(later.id, id)
  }
  assert.equal(connections.length, 4)
  await end()
})

test('the client goes on where another one was', async () => {
  const one = await begin(connect().client)
  await publish('seen')
  const seen = await one.next()
  await one.end()
  await publish('unseen')
  const two = await begin(connect().client, { lastEventId: seen?.eventId ?? null })
  const event = await two.next()
  assert.ok(event !== undefined && event.type !== 'reset')
  assert.equal(event.id, 'unseen')
  await two.end()
})

test('the client says when it missed what is no longer kept', async () => {
  const { next, end } = await begin(connect().client, { lastEventId: 'from another life' })
  assert.equal((await next())?.type, 'reset')
  await end()
})

test('the client stops when it is told to', async () => {
  const stopping = new AbortController()
  const { next } = await begin(connect().client, { signal: stopping.signal })
  stopping.abort()
  assert.equal(await next(), undefined)
})

test('the client gives up when its session is over', async () => {
  const ben = await server.register('ben')
  const { next } = await begin(connect(ben.token).client)
  await ben.call('DELETE', '/v1/sessions/current')
  await assert.rejects(next(), (error) => error instanceof ApiProblem && error.status === 401)
})
