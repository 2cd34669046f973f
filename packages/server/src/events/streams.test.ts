import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { type AccountEvent, publishEvents } from './publish.ts'
import { openStream, type RawStream } from './testing/raw-stream.ts'

let server: TestServer
let ann: TestAccount
let ben: TestAccount

/** Heartbeats so far apart that no test waits for one. */
before(async () => {
  server = await startTestServer(
    { CORS_ORIGINS: 'https://app.example' },
    { eventStreams: { perAccount: 3, perProcess: 4 } },
  )
  ann = await server.register('ann')
  ben = await server.register('ben')
})
after(() => server.close())

const bearer = (account: TestAccount) => ({ authorization: `Bearer ${account.token}` })
const publish = (account: TestAccount, ...ids: string[]) =>
  publishEvents(
    server.engines.db,
    ids.map((id): AccountEvent => ({ accountId: account.id, type: 'asset.updated', id, state: 'ready' })),
  )

/** One that hears what happens from here on. */
async function listen(account: TestAccount, lastEventId?: string | null): Promise<RawStream> {
  const stream = await openStream(server.address, bearer(account), lastEventId)
  assert.equal(stream.status, 200)
  await stream.nextBlock()
  return stream
}

test('an event says what changed, and only to whom it belongs', async () => {
  const [anns, bens] = [await listen(ann), await listen(ben)]
  await publishEvents(server.engines.db, [
    { accountId: ann.id, type: 'asset.updated', id: 'a', state: 'ready', data: { width: 4032, text: 'two\nlines' } },
    { accountId: ben.id, type: 'notification', id: 'n', state: 'new' },
  ])
  const event = await anns.next()
  assert.equal(event?.event, 'asset.updated')
  assert.deepEqual(event?.data, { id: 'a', state: 'ready', data: { width: 4032, text: 'two\nlines' } })
  assert.deepEqual((await bens.next())?.data, { id: 'n', state: 'new', data: null })

  // Nor does the id of another account's event open it.
  await publish(ann, 'b')
  const peeking = await listen(ben, event?.id)
  await publish(ben, 'c')
  assert.equal((await peeking.next())?.data.id, 'n')
  assert.equal((await peeking.next())?.data.id, 'c')
  for (const stream of [anns, bens, peeking]) stream.close()
})

test('the answer passes proxies unbuffered and is readable for other origins', async () => {
  const stream = await openStream(server.address, { ...bearer(ann), origin: 'https://app.example' })
  assert.equal(stream.headers['content-type'], 'text/event-stream; charset=utf-8')
  assert.match(stream.headers['cache-control'] ?? '', /no-store/)
  assert.equal(stream.headers['x-accel-buffering'], 'no')
  assert.equal(stream.headers['access-control-allow-origin'], 'https://app.example')
  stream.close()
})

test('a browser is let in by its cookie', async () => {
  const stream = await openStream(server.address, { cookie: `heliograph_session=${ann.token}` })
  assert.equal(stream.status, 200)
  stream.close()
})

test('asking with HEAD opens no stream', async () => {
  assert.equal((await ann.call('HEAD', '/v1/events')).status, 404)
})

test('too many streams are refused with when to come back, and a place is free when one was closed', async () => {
  const streams = [await listen(ann), await listen(ann), await listen(ann)]
  const refused = await ann.call('GET', '/v1/events')
  assert.equal(refused.status, 429)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)

  streams.push(await listen(ben))
  const full = await ben.call('GET', '/v1/events')
  assert.equal(full.status, 503)
  assert.ok(Number(full.headers.get('retry-after')) > 0)

  for (const stream of streams) stream.close()
  await eventually(async () => {
    const stream = await openStream(server.address, bearer(ann))
    stream.close()
    return stream.status === 200
  })
})

test('events arrive though the listening connection was killed', async () => {
  const stream = await listen(ann)
  const listeners = async () => {
    const { rows } = await server.engines.pool.query<{ pid: number }>(
      `select pid from pg_stat_activity
       where datname = current_database() and application_name = 'heliograph listener' and query ~ '^listen'`,
    )
    return rows.map(({ pid }) => pid)
  }
  await eventually(async () => (await listeners()).length === 1)
  const [pid] = await listeners()
  await server.engines.pool.query('select pg_terminate_backend($1, 5000)', [pid])
  // Nobody hears this one.
  await publish(ann, 'unheard')
  assert.equal((await stream.next())?.data.id, 'unheard')
  assert.deepEqual(
    (await listeners()).filter((one) => one === pid),
    [],
  )
  await publish(ann, 'heard')
  assert.equal((await stream.next())?.data.id, 'heard')
  stream.close()
})

describe('after a day', () => {
  test('who was away longer is told to load again, and who was here is not', async () => {
    const stream = await listen(ann)
    await publish(ann, 'old')
    const old = await stream.next()
    stream.close()
    await publish(ann, 'missed')
    await server.engines.pool.query(`update account_event set at = at - interval '25 hours' where account_id = $1`, [
      ann.id,
    ])
    await server.engines.jobs.enqueue(server.engines.db, 'events:tidy', {})
    await server.settleJobs()
    const { rows } = await server.engines.pool.query('select from account_event where account_id = $1', [ann.id])
    assert.equal(rows.length, 0)

    const returned = await listen(ann, old?.id)
    const reset = await returned.next()
    assert.equal(reset?.event, 'reset')
    await publish(ann, 'new')
    assert.equal((await returned.next())?.data.id, 'new')
    returned.close()

    // From where it was told to begin again, nothing was missed.
    const again = await listen(ann, reset?.id)
    assert.equal((await again.next())?.data.id, 'new')
    again.close()
  })

  for (const id of ['nonsense', '18446744073709551615-1', '99999999999999999999-1']) {
    test(`an id that this database never gave out begins anew: ${id}`, async () => {
      const stream = await listen(ann, id)
      assert.equal((await stream.next())?.event, 'reset')
      stream.close()
    })
  }
})

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('It did not come about within ten seconds')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
