/**
 * The kept counts against a count of everything, under random changes by several connections at once, with rollbacks, bulk
 * statements and folding between and beside them. What is compared is read by one statement, so it must agree at every
 * instant, not only when all is quiet.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { type Db, type OpenDatabase, openDatabase, type Tx } from '../engines/database/database.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { listMonths, readRevisions, type TimelineFilter } from './counts.ts'
import { findWrongMonths, recountMonths } from './recount.ts'
import { foldChanges } from './tasks.ts'
import { addAssets, countMonths } from './testing/library.ts'

const instants = ['2026-10-31T23:30:00Z', '2026-11-01T00:30:00Z', '2026-11-15T00:00:00Z', '2024-02-29T12:00:00Z']

const instant = fc.constantFrom(...instants)
const offset = fc.constantFrom(null, -300, 0, 540)
/** Which asset, among however many there are. */
const pick = fc.nat(1_000)

const change = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      instant,
      offset,
      isVideo: fc.boolean(),
      favorite: fc.boolean(),
      purpose: fc.constantFrom('library' as const, 'library' as const, 'avatar' as const),
    }),
  },
  fc.record({ do: fc.constant('favor' as const), pick }),
  fc.record({ do: fc.constant('move' as const), pick, instant, offset }),
  fc.record({ do: fc.constant('trash' as const), pick }),
  fc.record({ do: fc.constant('restore' as const), pick }),
  fc.record({ do: fc.constant('remove' as const), pick }),
  fc.record({ do: fc.constant('join' as const), pick, other: pick }),
  fc.record({ do: fc.constant('part' as const), pick }),
  fc.record({ do: fc.constant('touch' as const), pick }),
  fc.record({ do: fc.constant('all favored' as const), favorite: fc.boolean() }),
  fc.record({ do: fc.constant('all moved' as const), offset }),
)
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

const transaction = fc.record({ changes: fc.array(change, { minLength: 1, maxLength: 4 }), isRolledBack: fc.boolean() })
const step = fc.oneof(
  { weight: 5, arbitrary: transaction.map((one) => ({ fold: null, ...one })) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 5 }).map((fold) => ({ fold })) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

describe('the counts of the timeline', () => {
  let database: TestDatabase
  let open: OpenDatabase
  let db: Db
  const owners = [uuidv7(), uuidv7()]
  const [owner = ''] = owners

  before(async () => {
    database = await createTestDatabase()
    open = openDatabase({ url: database.url, poolSize: 8 })
    db = open.db
    for (const [index, id] of owners.entries()) {
      await db
        .insertInto('account')
        .values({ id, handle: `owner${index}`, name: 'Owner' })
        .execute()
      await db.insertInto('storage_quota').values({ account_id: id, limit_bytes: 1e12 }).execute()
    }
  })
  after(async () => {
    await open.close()
    await database.drop()
  })

  async function apply(tx: Tx, change: Change): Promise<void> {
    if (change.do === 'add') {
      const { instant: capturedAt, offset, isVideo, favorite, purpose } = change
      await addAssets(tx, owner, [{ capturedAt, offset, kind: isVideo ? 'video' : 'image', favorite, purpose }])
      return
    }
    const all = tx.updateTable('asset').where('owner_id', '=', owner)
    if (change.do === 'all favored') return void (await all.set({ favorite: change.favorite }).execute())
    if (change.do === 'all moved') return void (await all.set({ captured_offset: change.offset }).execute())
    const id = await nth(tx, change.pick)
    if (id === null) return
    const one = all.where('id', '=', id)
    switch (change.do) {
      case 'favor':
        return void (await one.set((eb) => ({ favorite: eb.not('favorite') })).execute())
      case 'move':
        return void (await one.set({ captured_at: change.instant, captured_offset: change.offset }).execute())
      case 'trash':
        return void (await one.set({ trashed_at: new Date() }).execute())
      case 'restore':
        return void (await one.set({ trashed_at: null }).execute())
      case 'touch':
        return void (await one.set((eb) => ({ version: eb('version', '+', 1) })).execute())
      case 'part':
        return void (await one.set({ motion_of: null }).execute())
      case 'join': {
        const photo = await nth(tx, change.other)
        const isFree = await tx.selectFrom('asset').select('id').where('motion_of', '=', photo).executeTakeFirst()
        if (photo === id || isFree !== undefined) return
        return void (await one.set({ motion_of: photo }).execute())
      }
      case 'remove':
        await tx.updateTable('asset').set({ motion_of: null }).where('motion_of', '=', id).execute()
        return void (await tx.deleteFrom('asset').where('id', '=', id).execute())
    }
  }

  async function nth(tx: Tx, pick: number): Promise<string | null> {
    const { rows } = await sql<{ id: string }>`
      select id from asset where owner_id = ${owner} order by id
      offset ${pick}::integer % greatest(1, (select count(*)::integer from asset where owner_id = ${owner})) limit 1
      for update skip locked`.execute(tx)
    return rows[0]?.id ?? null
  }

  class RolledBack extends Error {}

  async function take(step: Step): Promise<void> {
    if (step.fold !== null) return void (await foldChanges(db, step.fold))
    try {
      await db.transaction().execute(async (tx) => {
        for (const change of step.changes) await apply(tx, change)
        if (step.isRolledBack) throw new RolledBack()
      })
    } catch (error) {
      // Two that join the same photo, or lock each other out over it, are the writers' own affair.
      const isWriters =
        error instanceof RolledBack || ['23505', '23503', '40P01'].includes((error as { code: string }).code)
      if (!isWriters) throw error
    }
  }

  const all = sql<boolean>`true`
  const filters: [TimelineFilter, typeof all][] = [
    [{}, all],
    [{ kind: 'image' }, sql<boolean>`kind = 'image'`],
    [{ kind: 'video' }, sql<boolean>`kind = 'video'`],
    [{ favorite: true }, sql<boolean>`favorite`],
    [{ favorite: false, kind: 'image' }, sql<boolean>`not favorite and kind = 'image'`],
  ]

  async function expectRight(): Promise<void> {
    for (const [filter, where] of filters) {
      assert.deepEqual(await listMonths(db, owner, filter), await countMonths(db, owner, where), JSON.stringify(filter))
    }
  }

  const property = fc.asyncProperty(fc.array(fc.array(step, { maxLength: 8 }), { maxLength: 4 }), async (lanes) => {
    if (Date.now() > deadline) return
    let isOver = false
    const watch = async () => {
      while (!isOver) assert.deepEqual(await findWrongMonths(db), [])
    }
    const watching = watch()
    try {
      await Promise.all(
        lanes.map(async (steps) => {
          for (const one of steps) await take(one)
        }),
      )
    } finally {
      isOver = true
      await watching
    }
    await expectRight()
    while ((await foldChanges(db, 50)) === 50);
    await expectRight()
    const { rows } = await sql`select from timeline_change`.execute(db)
    assert.equal(rows.length, 0)
  })
  let deadline = 0
  const tryAll = (seed: object) => {
    deadline = Date.now() + 8_000
    return fc.assert(property, { numRuns: 60, ...seed })
  }

  it('are exact at every instant, for a fixed seed', () => tryAll({ seed: 20_261_120 }))

  it('are exact at every instant, for a seed of today', () => tryAll({}))

  it('have a revision that moves with each change that is seen, also when it commits late', async () => {
    const revision = async () => (await readRevisions(db, [{ ownerId: owner, month: '2026-11' }]))[0]
    const seen = new Set([await revision()])
    const late = await db.startTransaction().execute()
    await addAssets(late, owner, [{ capturedAt: '2026-11-15T00:00:00Z' }])
    assert.ok(seen.has(await revision()), 'nothing can be seen of it yet')
    await addAssets(db, owner, [{ capturedAt: '2026-11-15T00:00:00Z' }])
    const between = await revision()
    assert.ok(!seen.has(between))
    seen.add(between)
    await foldChanges(db)
    assert.equal(await revision(), between, 'folding changes nothing')
    await late.commit().execute()
    assert.ok(!seen.has(await revision()), 'it began first and was seen last')
  })

  it('are asked for in any order, of any owner', async () => {
    const spans = [
      { ownerId: uuidv7(), month: null },
      { ownerId: owner, month: '2026-11' },
      { ownerId: owner, month: null },
      { ownerId: owner, month: '1999-01' },
    ]
    const [nobody, month, whole, empty] = await readRevisions(db, spans)
    assert.deepEqual([nobody, empty], ['0', '0'])
    assert.ok(BigInt(whole ?? 0) > BigInt(month ?? 0))
  })

  it('are mended where they are wrong, and once', async () => {
    await addAssets(db, owner, [{ capturedAt: '2020-05-05T00:00:00Z', favorite: true }])
    while ((await foldChanges(db)) > 0);
    await sql`update timeline_month set images = images + 7 where owner_id = ${owner} and month = '2020-05-01'`.execute(
      db,
    )
    await sql`insert into timeline_change values (${owner}, '2019-01-01', 1, 0, 0, 0)`.execute(db)
    const expected = [
      { owner_id: owner, month: '2019-01', kept: 1, counted: 0 },
      { owner_id: owner, month: '2020-05', kept: 8, counted: 1 },
    ]
    assert.deepEqual(await findWrongMonths(db), expected)
    const mended = await Promise.all([recountMonths(db), recountMonths(db)])
    assert.deepEqual(
      mended.toSorted((one, other) => other.length - one.length),
      [expected, []],
    )
    await expectRight()
  })

  it('go with their account', async () => {
    const [, other = ''] = owners
    await addAssets(db, other, [{ capturedAt: '2026-11-15T00:00:00Z' }])
    await foldChanges(db)
    await db.deleteFrom('asset').where('owner_id', '=', other).execute()
    await db.deleteFrom('account').where('id', '=', other).execute()
    await foldChanges(db)
    for (const table of ['timeline_month', 'timeline_change'] as const) {
      assert.deepEqual(await db.selectFrom(table).select('month').where('owner_id', '=', other).execute(), [])
    }
  })
})
