import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { v7 as uuidv7 } from 'uuid'
import { type OpenDatabase, openDatabase } from '../engines/database/database.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { findHorizon } from './journal.ts'
import { before as lineBefore } from './position.ts'
import { publishEvents } from './publish.ts'
import { createRelay, type Relay, type Subscriber } from './relay.ts'

let database: TestDatabase
let open: OpenDatabase
let relay: Relay
const accountId = uuidv7()

before(async () => {
  database = await createTestDatabase()
  open = openDatabase({ url: database.url, poolSize: 10 })
  relay = createRelay({ db: open.db, log: { warn: (fields, message) => assert.fail(`${message} ${fields}`) } })
  await open.db.insertInto('account').values({ id: accountId, handle: 'ann', name: 'Ann' }).execute()
})

after(async () => {
  relay.close()
  await open.close()
  await database.drop()
})

interface TestSubscriber extends Subscriber {
  isFull: boolean
  seen: string[]
  deliveries: number
  /** Resolves once it has seen as many. */
  has(count: number): Promise<void>
}

async function subscribe(): Promise<TestSubscriber> {
  const { safe } = await findHorizon(open.db)
  let arrival = Promise.withResolvers<void>()
  const subscriber: TestSubscriber = {
    accountId,
    position: lineBefore(safe),
    isFull: false,
    isBehind: true,
    seen: [],
    deliveries: 0,
    deliver(events) {
      subscriber.deliveries += 1
      subscriber.seen.push(...events.map(({ id }) => id))
      arrival.resolve()
    },
    reset: () => assert.fail('nothing was removed'),
    async has(count) {
      while (subscriber.seen.length < count) {
        arrival = Promise.withResolvers()
        await arrival.promise
      }
    },
  }
  return subscriber
}

async function publish(id: string): Promise<void> {
  await publishEvents(open.db, [{ accountId, type: 'asset.updated', id, state: 'ready' }])
  relay.wake(accountId)
}

test('many wakings are few readings', async () => {
  const subscriber = await subscribe()
  const leave = relay.join(subscriber)
  const started = performance.now()
  const ids = Array.from({ length: 1_000 }, (_, index) => `${index}`)
  await Promise.all(ids.map(publish))
  await subscriber.has(ids.length)
  leave()
  assert.deepEqual([...subscriber.seen].sort(), [...ids].sort())
  // Ten pages, and one reading for each tenth of a second.
  const most = 10 + 2 + (performance.now() - started) / 100
  assert.ok(subscriber.deliveries <= most, `${subscriber.deliveries} deliveries, at most ${most}`)
})

test('one that took no more when its account was woken goes on when it drains', async () => {
  const [slow, quick] = [await subscribe(), await subscribe()]
  const leaves = [relay.join(slow), relay.join(quick)]
  await publish('first')
  await Promise.all([slow.has(1), quick.has(1)])
  slow.isFull = true
  await publish('second')
  await quick.has(2)
  slow.isFull = false
  relay.drained(slow)
  await slow.has(2)
  for (const leave of leaves) leave()
  assert.deepEqual(slow.seen, ['first', 'second'])
  assert.deepEqual(quick.seen, ['first', 'second'])
})
