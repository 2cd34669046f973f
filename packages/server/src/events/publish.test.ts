import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import { type OpenDatabase, openDatabase } from '../engines/database/database.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { publishEvents, publishing, wakeChannel } from './publish.ts'

let database: TestDatabase
let open: OpenDatabase
const accountId = uuidv7()

before(async () => {
  database = await createTestDatabase()
  open = openDatabase({ url: database.url, poolSize: 2 })
  await open.db.insertInto('account').values({ id: accountId, handle: 'ann', name: 'Ann' }).execute()
})

after(async () => {
  await open.close()
  await database.drop()
})

const kept = () =>
  open.db.selectFrom('account_event').select(['type', 'resource_id', 'state', 'data']).orderBy('id').execute()

test('events are kept in their order when the transaction commits, and one waking is sent', async () => {
  const listener = new pg.Client(database.url)
  await listener.connect()
  try {
    await listener.query(`listen ${wakeChannel}`)
    const woken = once(listener, 'notification')
    await open.db.transaction().execute(async (tx) => {
      await publishEvents(tx, [
        { accountId, type: 'asset.updated', id: 'a', state: 'processing' },
        { accountId, type: 'asset.updated', id: 'a', state: 'ready', data: { width: 3 } },
      ])
      await tx
        .with('published', (queries) => publishing(queries, { accountId, type: 'notification', id: 'n', state: 'new' }))
        .selectFrom('published')
        .selectAll()
        .execute()
      assert.deepEqual(await kept(), [])
    })
    const [{ payload }] = await woken
    assert.equal(payload, accountId)
    assert.deepEqual(await kept(), [
      { type: 'asset.updated', resource_id: 'a', state: 'processing', data: null },
      { type: 'asset.updated', resource_id: 'a', state: 'ready', data: { width: 3 } },
      { type: 'notification', resource_id: 'n', state: 'new', data: null },
    ])
  } finally {
    await listener.end()
  }
})

test('an event whose change was rolled back never was', async () => {
  const before = await kept()
  const failing = open.db.transaction().execute(async (tx) => {
    await publishEvents(tx, [{ accountId, type: 'asset.updated', id: 'b', state: 'ready' }])
    throw new Error('the change failed')
  })
  await assert.rejects(failing, /the change failed/)
  assert.deepEqual(await kept(), before)
})

test('nothing of an account outlives it', async () => {
  await open.db.deleteFrom('account').where('id', '=', accountId).execute()
  assert.deepEqual(await kept(), [])
})
