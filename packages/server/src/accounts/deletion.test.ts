import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import type { Tx } from '../engines/database/database.ts'
import { quota } from '../quota/index.ts'
import { accountTasks, type GivenUpObject } from './deletion.ts'
import { type AccountServer, password, registrationOf, startAccountServer } from './testing/account-server.ts'

describe('deleting an account', () => {
  let server: AccountServer
  let root: string
  before(async () => {
    server = await startAccountServer()
    root = await server.register('root1')
  })
  after(() => server.stop())

  let given: GivenUpObject[] = []
  let failAfter = Number.POSITIVE_INFINITY
  beforeEach(() => {
    given = []
    failAfter = Number.POSITIVE_INFINITY
  })

  /** Writes what purge would write, and can die in the middle as a worker can. */
  const giveUpObjects = async (tx: Tx, objects: GivenUpObject[]) => {
    if (failAfter-- <= 0) throw new Error('the worker died')
    await tx
      .insertInto('object_deletion')
      .values(
        objects.map(({ object_key, store_upload_id, reason }) => ({
          object_key,
          store_upload_id: store_upload_id ?? null,
          reason,
        })),
      )
      .execute()
    given.push(...objects)
  }

  const runJob = async (accountId: string) => {
    const task = accountTasks({ db: server.db, giveUpObjects })['account:delete']
    assert.ok(task)
    await task({ accountId }, { attempt: 1, signal: new AbortController().signal })
  }

  const idOf = async (handle: string) =>
    (await server.db.selectFrom('account').select('id').where('handle', '=', handle).executeTakeFirstOrThrow()).id

  test('is refused for the last administrator while others are here', async () => {
    const other = await server.register('other')
    const refused = await server.call('DELETE', '/v1/accounts/me', { token: root })
    assert.deepEqual([refused.status, refused.body.type], [409, '/problems/conflict'])
    assert.equal((await server.call('DELETE', '/v1/accounts/me', { token: other })).status, 204)
  })

  test('takes all of it away at once, and enqueues the rest', async () => {
    const token = await server.register('ada')
    const id = await idOf('ada')
    const personal = await server.call('POST', '/v1/accounts/me/tokens', {
      token,
      body: { name: 'x', scopes: ['account:read'] },
    })
    const answer = await server.call('DELETE', '/v1/accounts/me', { token })
    assert.equal(answer.status, 204)
    for (const revoked of [token, personal.body.token]) {
      assert.equal((await server.call('GET', '/v1/accounts/me', { token: revoked })).status, 401)
    }
    assert.equal((await server.call('GET', '/v1/accounts/ada')).status, 404)
    const signIn = await server.call('POST', '/v1/sessions', { body: { email: 'ada@example.com', password } })
    assert.equal(signIn.status, 401)
    const list = await server.call('GET', '/v1/accounts', { token: root })
    assert.ok(!list.body.items.some((item: { handle: string }) => item.handle === 'ada'))
    const { rows } = await sql<{ key: string }>`
      select key from graphile_worker.jobs where task_identifier = 'account:delete' and key = ${`account:delete:${id}`}`.execute(
      server.db,
    )
    assert.equal(rows.length, 1)
  })

  test('the job removes assets, uploads, quota and the row, and gives up every object once', async () => {
    const token = await server.register('bob')
    const id = await idOf('bob')
    const keys = await fill(server, id, { assets: 450, open: 3, finished: 5 })
    await server.call('DELETE', '/v1/accounts/me', { token })

    await runJob(id)
    assert.deepEqual(given.map((object) => object.object_key).sort(), keys.sort())
    assert.ok(given.every((object) => object.grants_until instanceof Date))
    assert.equal(await remains(server, id), 0)
    await runJob(id)
    assert.equal(given.length, keys.length, 'running again does nothing')
    assert.equal((await server.call('POST', '/v1/accounts', { body: registrationOf('bob') })).status, 201)
  })

  test('a worker that dies in between leaves rows and quota in step, and the next one goes on', async () => {
    const token = await server.register('cleo')
    const id = await idOf('cleo')
    const keys = await fill(server, id, { assets: 450, open: 3, finished: 0 })
    await server.call('DELETE', '/v1/accounts/me', { token })
    failAfter = 2
    await assert.rejects(runJob(id), /the worker died/)
    const left = await server.db.selectFrom('asset').select('id').where('owner_id', '=', id).execute()
    assert.equal(left.length, 250)
    assert.deepEqual(await quota.read(server.db, id), { usedBytes: 2_500, reservedBytes: 0, limitBytes: 1_000_000 })
    failAfter = Number.POSITIVE_INFINITY
    await runJob(id)
    assert.equal(given.length, keys.length)
    assert.equal(await remains(server, id), 0)
  })

  test('the job touches no account that is not to be deleted', async () => {
    await server.register('eve')
    const id = await idOf('eve')
    await fill(server, id, { assets: 2, open: 1, finished: 1 })
    await runJob(id)
    assert.equal(given.length, 0)
    assert.equal(await remains(server, id), 5)
  })

  test('a draining worker stops between two batches', async () => {
    const token = await server.register('finn')
    const id = await idOf('finn')
    await fill(server, id, { assets: 5, open: 0, finished: 0 })
    await server.call('DELETE', '/v1/accounts/me', { token })
    const task = accountTasks({ db: server.db, giveUpObjects })['account:delete']
    await assert.rejects(async () => task?.({ accountId: id }, { attempt: 1, signal: AbortSignal.abort() }))
    assert.equal(await remains(server, id), 6)
  })
})

test('a server whose only account left is new again', async () => {
  const server = await startAccountServer({ registration: 'closed' })
  try {
    const token = await server.register('ada')
    assert.equal((await server.call('DELETE', '/v1/accounts/me', { token })).status, 204)
    assert.equal((await server.call('GET', '/v1/server')).body.hasAccounts, false)
    const answer = await server.call('POST', '/v1/accounts', { body: registrationOf('bob') })
    assert.equal(answer.body.account.role, 'administrator')
  } finally {
    await server.stop()
  }
})

/** Rows as uploads leave them; answers the keys of the objects they refer to. Every asset and upload has ten bytes. */
async function fill(
  server: AccountServer,
  ownerId: string,
  count: { assets: number; open: number; finished: number },
): Promise<string[]> {
  const grants_until = new Date(Date.now() + 3_600_000)
  const common = {
    owner_id: ownerId,
    purpose: 'library',
    filename: 'a.jpg',
    content_type: 'image/jpeg',
    size: 10,
    grants_until,
  } as const
  const assets = Array.from({ length: count.assets }, () => {
    const id = uuidv7()
    return {
      ...common,
      id,
      upload_id: uuidv7(),
      kind: 'image',
      object_key: `originals/${id}`,
      captured_at: new Date(),
    } as const
  })
  const upload = (state: 'uploading' | 'expired') => {
    const id = uuidv7()
    const isOpen = state === 'uploading'
    return {
      ...common,
      id,
      state,
      protocol: 'direct',
      object_key: `originals/${id}`,
      reserved_bytes: isOpen ? 10 : 0,
      store_upload_id: isOpen ? `multipart-${id}` : null,
      finished_at: isOpen ? null : new Date(),
      expires_at: new Date(),
    } as const
  }
  const open = Array.from({ length: count.open }, () => upload('uploading'))
  const finished = Array.from({ length: count.finished }, () => upload('expired'))
  const { db } = server
  if (assets.length > 0) await db.insertInto('asset').values(assets).execute()
  if (open.length + finished.length > 0)
    await db
      .insertInto('upload')
      .values([...open, ...finished])
      .execute()
  await db
    .updateTable('storage_quota')
    .set({ used_bytes: assets.length * 10, reserved_bytes: open.length * 10 })
    .where('account_id', '=', ownerId)
    .execute()
  return [...assets, ...open].map((row) => row.object_key)
}

async function remains(server: AccountServer, id: string): Promise<number> {
  const { db } = server
  const rows = await Promise.all([
    db.selectFrom('account').select('id').where('id', '=', id).execute(),
    db.selectFrom('asset').select('id').where('owner_id', '=', id).execute(),
    db.selectFrom('upload').select('id').where('owner_id', '=', id).execute(),
  ])
  return rows.flat().length
}
