import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type OpenDatabase, openDatabase } from '../engines/database/database.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { type AccountEvent, publishEvents } from './publish.ts'
import { openStream, type RawStream } from './testing/raw-stream.ts'

let server: TestServer
let ann: TestAccount
let writers: OpenDatabase

before(async () => {
  server = await startTestServer()
  ann = await server.register('ann')
  writers = openDatabase({ url: server.databaseUrl, poolSize: 50 })
})

after(async () => {
  await writers.close()
  await server.close()
})

const listen = (lastEventId?: string | null): Promise<RawStream> =>
  openStream(server.address, { authorization: `Bearer ${ann.token}` }, lastEventId)

const eventOf = (id: string): AccountEvent => ({ accountId: ann.id, type: 'notification', id, state: 'new' })

test('a chain of connections sees every committed event once, though 50 transactions commit out of order', async () => {
  const committed = new Set<string>()
  const rounds = 8

  async function write(writer: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      const ids = Array.from({ length: randomInt(1, 4) }, (_, index) => `${writer}.${round}.${index}`)
      const isRolledBack = randomInt(10) === 0
      const work = writers.db.transaction().execute(async (tx) => {
        await publishEvents(tx, ids.slice(0, 1).map(eventOf))
        await pause(randomInt(30))
        await publishEvents(tx, ids.slice(1).map(eventOf))
        await pause(randomInt(10))
        if (isRolledBack) throw new Error('rolled back')
      })
      if (isRolledBack) await assert.rejects(work, /rolled back/)
      else {
        await work
        for (const id of ids) committed.add(id)
      }
    }
  }

  const seen: string[] = []
  let stream = await listen()
  await stream.nextBlock()
  const writing = Promise.all(Array.from({ length: 50 }, (_, writer) => write(writer))).then(() =>
    publishEvents(writers.db, [eventOf('last')]),
  )
  let connections = 1
  while (seen.at(-1) !== 'last') {
    for (let rest = randomInt(1, 60); rest > 0 && seen.at(-1) !== 'last'; rest -= 1) {
      const event = await stream.next()
      assert.ok(event, 'the server ended the stream')
      seen.push(event.data.id)
    }
    stream.close()
    stream = await listen(stream.lastId())
    connections += 1
  }
  await writing
  stream.close()

  assert.ok(connections > 5, `${connections} connections are no chain`)
  assert.deepEqual([...seen].sort(), [...committed, 'last'].sort())
  const inOrder = (prefix: string) => seen.filter((id) => id.startsWith(prefix))
  for (let writer = 0; writer < 50; writer += 1) {
    for (let round = 0; round < rounds; round += 1) {
      const ids = inOrder(`${writer}.${round}.`)
      assert.deepEqual(ids, [...ids].sort(), 'the order within a transaction')
    }
  }
})

test('an event waits for an older transaction that still writes, and comes when that ends in silence', async () => {
  const stream = await listen()
  await stream.nextBlock()
  const begun = Promise.withResolvers<void>()
  const finished = Promise.withResolvers<void>()
  const older = writers.db.transaction().execute(async (tx) => {
    await tx.updateTable('account').set({ name: 'Anna' }).where('id', '=', ann.id).execute()
    begun.resolve()
    await finished.promise
  })
  await begun.promise
  await publishEvents(writers.db, [eventOf('waiting')])
  const arrived = stream.next()
  assert.equal(await Promise.race([arrived, pause(300, 'nothing yet')]), 'nothing yet')
  finished.resolve()
  await older
  assert.equal((await arrived)?.data.id, 'waiting')
  stream.close()
})

test('a client that never saw an event resumes from where its connection began', async () => {
  const first = await listen()
  await first.nextBlock()
  first.close()
  await publishEvents(writers.db, [eventOf('while away')])
  const second = await listen(first.lastId())
  assert.equal((await second.next())?.data.id, 'while away')
  second.close()
})

test('a backlog of thousands arrives whole', async () => {
  const first = await listen()
  await first.nextBlock()
  first.close()
  const ids = Array.from({ length: 3_000 }, (_, index) => `${index}`)
  await publishEvents(writers.db, ids.map(eventOf))
  const second = await listen(first.lastId())
  const seen: string[] = []
  while (seen.length < ids.length) seen.push((await second.next())?.data.id)
  assert.deepEqual(seen, ids)
  second.close()
})
