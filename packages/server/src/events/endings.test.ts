import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { publishEvents } from './publish.ts'
import { openStream, type RawStream } from './testing/raw-stream.ts'

const bearer = (account: TestAccount) => ({ authorization: `Bearer ${account.token}` })

describe('a stream', () => {
  let server: TestServer
  let admin: TestAccount
  let count = 0

  before(async () => {
    server = await startTestServer({}, { eventStreams: { heartbeat: 0.2 } })
    admin = await server.register('overseer')
  })
  after(() => server.close())

  async function newcomer(): Promise<{ account: TestAccount; stream: RawStream }> {
    count += 1
    const account = await server.register(`person${count}`)
    return { account, stream: await openStream(server.address, bearer(account)) }
  }

  /** Reads to its end; the test times out where there is none. */
  async function ending(stream: RawStream): Promise<void> {
    while ((await stream.nextBlock()) !== null);
  }

  test('is kept alive by heartbeats, which move where it resumes', async () => {
    const { account, stream } = await newcomer()
    const first = await stream.nextBlock()
    let heartbeat = await stream.nextBlock()
    await server.engines.db.updateTable('account').set({ name: 'x' }).where('id', '=', account.id).execute()
    while (heartbeat?.id === first?.id) heartbeat = await stream.nextBlock()
    assert.equal(heartbeat?.event, null)
    assert.equal(heartbeat?.data, null)
    stream.close()
  })

  test('ends when its session is signed out', async () => {
    const { account, stream } = await newcomer()
    await stream.nextBlock()
    assert.equal((await account.call('DELETE', '/v1/sessions/current')).status, 204)
    await ending(stream)
  })

  test('ends when its account is suspended', async () => {
    const { account, stream } = await newcomer()
    await stream.nextBlock()
    assert.equal((await admin.call('PATCH', `/v1/accounts/${account.handle}`, { suspended: true })).status, 200)
    await ending(stream)
  })

  test('ends when its account is deleted', async () => {
    const { account, stream } = await newcomer()
    await stream.nextBlock()
    assert.equal((await account.call('DELETE', '/v1/accounts/me')).status, 204)
    await ending(stream)
  })

  test('whose client does not read is ended, holds little until then, and goes on where it was', async () => {
    const { account, stream } = await newcomer()
    const start = await stream.nextBlock()
    stream.close()
    // More than the buffers of two sockets hold.
    const ids = Array.from({ length: 8_000 }, (_, index) => `${index}`)
    const data = { filler: 'x'.repeat(3_500) }
    for (let index = 0; index < ids.length; index += 1_000) {
      await publishEvents(
        server.engines.db,
        ids
          .slice(index, index + 1_000)
          .map((id) => ({ accountId: account.id, type: 'asset.updated', id, state: 'ready', data })),
      )
    }
    const slow = await openStream(server.address, bearer(account), start?.id)
    slow.pause()
    await untilNoneIsOpen()
    slow.resume()
    const seen: string[] = []
    for (let event = await slow.next(); event !== null; event = await slow.next()) seen.push(event.data.id)
    assert.ok(seen.length > 0 && seen.length < ids.length, `${seen.length} were sent to one who read none`)

    const resumed = await openStream(server.address, bearer(account), slow.lastId())
    while (seen.length < ids.length) seen.push((await resumed.next())?.data.id)
    assert.deepEqual(seen, ids)
    resumed.close()
  })

  async function untilNoneIsOpen(): Promise<void> {
    const deadline = Date.now() + 10_000
    for (;;) {
      const metrics = await (await fetch(`${server.opsAddress}/metrics`)).text()
      if (/^heliograph_event_streams 0$/m.test(metrics)) {
        const durations = /^heliograph_http_request_duration_seconds_count.*\/v1\/events.*$/m
        assert.doesNotMatch(metrics, durations, 'how long a stream lasted is no response time')
        return
      }
      if (Date.now() > deadline) throw new Error('Streams are still open after ten seconds')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
})

test('a server that is told to stop ends its streams, so that they do not hold it', async () => {
  const server = await startTestServer({ DRAIN_DELAY: '0' })
  const ann = await server.register('ann')
  const stream = await openStream(server.address, bearer(ann))
  const greeting = await stream.nextBlock()
  const started = performance.now()
  const closed = server.close()
  while ((await stream.nextBlock()) !== null);
  await closed
  assert.notEqual(greeting?.id, null)
  assert.ok(performance.now() - started < 5_000, 'it did not wait for a client')
})
