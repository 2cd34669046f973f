import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { v7 as uuidv7 } from 'uuid'
import { type OpenDatabase, openDatabase } from '../engines/database/database.ts'
import type { AlbumSort } from '../engines/database/schema.ts'
import { jobAttempt } from '../history/index.ts'
import { createTestDatabase, type TestDatabase } from '../testing/postgres.ts'
import { addOwnAssets, removeAssets } from './adding.ts'
import { listAlbumAssets } from './content.ts'
import { createAlbum, editAlbum } from './editing.ts'
import { moveAssets, spread } from './moving.ts'

describe('arranging an album by hand', () => {
  let database: TestDatabase
  let open: OpenDatabase
  let ownerId: string
  let ids: string[]
  const now = () => new Date()
  const context = () => ({ db: open.db, now })

  before(async () => {
    database = await createTestDatabase()
    open = openDatabase({ url: database.url, poolSize: 8 })
    ownerId = randomUUID()
    await open.db.insertInto('account').values({ id: ownerId, handle: 'ann', name: 'Ann' }).execute()
    ids = Array.from({ length: 12 }, () => uuidv7())
    await open.db
      .insertInto('asset')
      .values(
        ids.map((id, index) => ({
          id,
          owner_id: ownerId,
          upload_id: id,
          kind: 'image' as const,
          purpose: 'library' as const,
          object_key: `originals/${id}`,
          filename: `${index}.jpg`,
          content_type: 'image/jpeg',
          size: 1,
          // Two of each moment.
          captured_at: new Date(Date.UTC(2025, 0, 1 + Math.floor(((index * 5) % 12) / 2))),
        })),
      )
      .execute()
  })
  after(async () => {
    await open.close()
    await database.drop()
  })

  const attempt = () => jobAttempt(ownerId)

  async function album(assetIds: string[]): Promise<string> {
    return (await createAlbum(context(), attempt(), ownerId, { title: 'x', description: null, assetIds })).row.id
  }

  async function shown(albumId: string): Promise<string[]> {
    const { sort } = await open.db
      .selectFrom('album')
      .select('sort')
      .where('id', '=', albumId)
      .executeTakeFirstOrThrow()
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await listAlbumAssets(open.db, { id: albumId, sort }, { limit: 5, cursor })
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    return seen
  }

  const move = (albumId: string, moved: string[], before: string | null) =>
    moveAssets(context(), attempt(), ownerId, albumId, moved, before)

  test('begins with the order in which the album was shown', async () => {
    for (const order of ['newest', 'oldest'] as const) {
      const id = await album(ids.slice(0, 6))
      await editAlbum(context(), attempt(), ownerId, id, { order }, null)
      const [first = '', second = '', ...others] = await shown(id)
      await move(id, [second], first)
      assert.deepEqual(await shown(id), [second, first, ...others])
    }
  })

  test('refuses to put something before itself, or before what is not in the album', async () => {
    const [one = '', two = '', outside = ''] = ids
    const id = await album([one, two])
    await assert.rejects(move(id, [one], one), { code: 'invalid-request' })
    await assert.rejects(move(id, [one], outside), { code: 'not-found' })
    await assert.rejects(move(id, [outside], one), { code: 'not-found' })
    await move(id, [outside, two], one)
    assert.deepEqual(await shown(id), [two, one], 'what is not in it is left out')
  })

  test('finds room however often the same place is taken', async () => {
    const [first = '', second = '', third = ''] = ids
    const id = await album([first, second, third])
    await move(id, [second], first)
    // Each move halves the gap: a double has no more than 53 halves between two integers, and some more near nought.
    for (let turn = 0; turn < 130; turn += 1) {
      const [top = '', middle = '', last = ''] = await shown(id)
      await move(id, [last], middle)
      assert.deepEqual(await shown(id), [top, last, middle])
    }
  })

  test('keeps every photo once, whatever is moved at once', async () => {
    const id = await album(ids)
    await Promise.all(
      ids.flatMap((one, index) => [
        move(id, [one], ids[(index + 5) % ids.length] ?? null),
        move(id, [one, ids[(index + 1) % ids.length] ?? one], null),
      ]),
    )
    assert.deepEqual((await shown(id)).toSorted(), ids.toSorted())
    const { rows } = await open.pool.query(
      'select count(distinct position)::int as places from album_asset where album_id = $1',
      [id],
    )
    assert.deepEqual(rows, [{ places: ids.length }])
  })

  test('is as a list that one cuts from and pastes into', async () => {
    type Step =
      | { do: 'move'; moved: number[]; before: number | null }
      | { do: 'add'; which: number[] }
      | { do: 'remove'; which: number[] }
      | { do: 'order'; order: AlbumSort }
    const some = fc.uniqueArray(fc.nat({ max: 11 }), { minLength: 1, maxLength: 5 })
    const step: fc.Arbitrary<Step> = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('move' as const),
          moved: some,
          before: fc.option(fc.nat({ max: 11 }), { nil: null }),
        }),
      },
      fc.record({ do: fc.constant('add' as const), which: some }),
      fc.record({ do: fc.constant('remove' as const), which: some }),
      fc.record({ do: fc.constant('order' as const), order: fc.constantFrom('newest', 'oldest', 'custom') }),
    )
    const idsOf = (which: number[]) => which.map((index) => ids[index] ?? '')
    const { rows: captured } = await open.pool.query('select id from asset order by captured_at, id')
    const oldest: string[] = captured.map(({ id }) => id)

    await fc.assert(
      fc.asyncProperty(some, fc.array(step, { maxLength: 12 }), async (first, steps) => {
        const albumId = await album(idsOf(first))
        /** In the order `custom`, whichever is shown. */
        let arranged = idsOf(first)
        let order: AlbumSort = 'newest'
        const visible = () => {
          if (order === 'custom') return arranged
          const sorted = oldest.filter((id) => arranged.includes(id))
          return order === 'oldest' ? sorted : sorted.toReversed()
        }
        for (const one of steps) {
          if (one.do === 'order') {
            await editAlbum(context(), attempt(), ownerId, albumId, { order: one.order }, null)
            order = one.order
          } else if (one.do === 'add') {
            const added = idsOf(one.which).filter((id) => !arranged.includes(id))
            assert.equal(await addOwnAssets(context(), attempt(), ownerId, albumId, idsOf(one.which)), added.length)
            arranged = [...arranged, ...added]
          } else if (one.do === 'remove') {
            await removeAssets(context(), attempt(), ownerId, albumId, idsOf(one.which))
            arranged = arranged.filter((id) => !idsOf(one.which).includes(id))
          } else {
            const before = one.before === null ? null : (ids[one.before] ?? null)
            const moved = idsOf(one.moved).filter((id) => arranged.includes(id))
            const isPossible =
              moved.length > 0 && (before === null || (arranged.includes(before) && !idsOf(one.moved).includes(before)))
            const outcome = await move(albumId, idsOf(one.moved), before).then(
              () => true,
              () => false,
            )
            assert.equal(outcome, isPossible)
            if (isPossible) {
              const rest = visible().filter((id) => !moved.includes(id))
              const place = before === null ? rest.length : rest.indexOf(before)
              arranged = rest.toSpliced(place, 0, ...moved)
              order = 'custom'
            }
          }
          assert.deepEqual(await shown(albumId), visible())
        }
      }),
      { numRuns: 40 },
    )
  })
})

test('positions are ascending and within their gap, or there are none', () => {
  const bound = fc.option(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { nil: null })
  fc.assert(
    fc.property(bound, bound, fc.integer({ min: 1, max: 50 }), (one, other, count) => {
      const [after, before] = one !== null && other !== null && one > other ? [other, one] : [one, other]
      const positions = spread({ after, before }, count)
      if (positions === null) return
      assert.equal(positions.length, count)
      const all = [...(after === null ? [] : [after]), ...positions, ...(before === null ? [] : [before])]
      assert.ok(all.every((position, index) => index === 0 || position > (all[index - 1] ?? 0)))
    }),
  )
  assert.equal(spread({ after: 1, before: 1 + Number.EPSILON }, 1), null)
})
