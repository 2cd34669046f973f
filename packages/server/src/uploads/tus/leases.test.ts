import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import { type OpenDatabase, openDatabase } from '../../engines/database/database.ts'
import { isProblem } from '../../problem.ts'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { createLeases } from './leases.ts'

const never = new AbortController().signal
const ignored = () => undefined

/** Milliseconds. */
const quick = { lifetime: 400, beat: 50, patience: 2_000 }

describe('the lease on an upload', () => {
  let database: TestDatabase
  let here: OpenDatabase
  let there: OpenDatabase
  const warnings: string[] = []
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) }

  before(async () => {
    database = await createTestDatabase()
    here = openDatabase({ url: database.url, poolSize: 5 })
    there = openDatabase({ url: database.url, poolSize: 5 })
  })
  after(async () => {
    await here.close()
    await there.close()
    await database.drop()
  })

  async function newUpload(): Promise<string> {
    const [ownerId, id] = [uuidv7(), uuidv7()]
    const handle = randomBytes(8).toString('hex')
    await here.db.insertInto('account').values({ id: ownerId, handle, name: handle }).execute()
    await here.db
      .insertInto('upload')
      .values({
        id,
        owner_id: ownerId,
        protocol: 'tus',
        purpose: 'library',
        object_key: `originals/${handle}`,
        filename: 'a.jpg',
        content_type: 'image/jpeg',
        expires_at: new Date(Date.now() + 60_000),
      })
      .execute()
    return id
  }

  test('one process has it at a time, and gives way when it is asked', async () => {
    const uploadId = await newUpload()
    const mine = createLeases({ db: here.db, log, ...quick }).newLock(uploadId)
    const yours = createLeases({ db: there.db, log, ...quick }).newLock(uploadId)
    let isAsked = false
    await mine.lock(never, () => {
      isAsked = true
    })
    const waiting = yours.lock(never, ignored)
    await delay(quick.lifetime * 2)
    assert.ok(isAsked)
    assert.ok(mine.isHeld(), 'it is renewed for as long as its holder works')
    assert.ok(!yours.isHeld())
    await mine.unlock()
    await waiting
    assert.ok(yours.isHeld())
    assert.ok(!mine.isHeld())
    await yours.unlock()
  })

  test('requests of one process exclude each other too', async () => {
    const uploadId = await newUpload()
    const leases = createLeases({ db: here.db, log, ...quick })
    let active = 0
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const lock = leases.newLock(uploadId)
        await lock.lock(never, ignored)
        active += 1
        assert.equal(active, 1)
        await delay(10)
        active -= 1
        await lock.unlock()
      }),
    )
  })

  test('a process that died loses it within its lifetime', async () => {
    const uploadId = await newUpload()
    const gone = openDatabase({ url: database.url, poolSize: 1 })
    const dead = createLeases({ db: gone.db, log, ...quick }).newLock(uploadId)
    let isTold = false
    await dead.lock(never, () => {
      isTold = true
    })
    await gone.close()
    const yours = createLeases({ db: here.db, log, ...quick }).newLock(uploadId)
    await yours.lock(never, ignored)
    assert.ok(yours.isHeld())
    assert.ok(!dead.isHeld(), 'and knows it by its own clock')
    await delay(quick.beat * 3)
    assert.ok(isTold, 'its work is stopped')
    assert.ok(warnings.length > 0)
    await yours.unlock()
  })

  test('who waits too long is told to come back', async () => {
    const uploadId = await newUpload()
    const leases = createLeases({ db: here.db, log, ...quick, patience: 200 })
    const mine = leases.newLock(uploadId)
    await mine.lock(never, ignored)
    await assert.rejects(
      async () => leases.newLock(uploadId).lock(never, ignored),
      (error) => isProblem(error) && error.status === 423,
    )
    await mine.unlock()
  })
})
