import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createClient } from '@heliograph/client'
import { editField } from './edit.ts'

/** One asset behind HTTP, with versions; `before` runs ahead of each write. */
function serve(before?: (asset: { description: string | null; version: number }) => void) {
  const asset = { description: 'Beach' as string | null, version: 1 }
  const answer = () => Response.json(asset, { headers: { etag: `"${asset.version}"` } })
  const client = createClient({
    baseUrl: 'http://photos.test',
    fetch: async (_url, init) => {
      if (init?.method === 'GET') return answer()
      before?.(asset)
      const match = new Headers(init?.headers).get('if-match')
      if (match !== `"${asset.version}"`) return Response.json({ type: '/problems/changed' }, { status: 412 })
      Object.assign(asset, JSON.parse(String(init?.body)), { version: asset.version + 1 })
      return answer()
    },
  })
  return { asset, client }
}

describe('an edit', () => {
  test('is written', async () => {
    const { asset, client } = serve()
    const { isSaved } = await editField(client, 'a', 'description', 'Beach', 'Lake')
    assert.deepEqual([isSaved, asset.description], [true, 'Lake'])
  })

  test('is written again when something else of the photo changed meanwhile', async () => {
    let others = 2
    const { asset, client } = serve((current) => {
      if (others-- > 0) current.version += 1
    })
    const { isSaved } = await editField(client, 'a', 'description', 'Beach', 'Lake')
    assert.deepEqual([isSaved, asset.description], [true, 'Lake'])
  })

  test('does not write over what was written elsewhere, and tells what that is', async () => {
    const { asset, client } = serve((current) => Object.assign(current, { description: 'River', version: 9 }))
    const edited = await editField(client, 'a', 'description', 'Beach', 'Lake')
    assert.equal(edited.isSaved, false)
    assert.equal(edited.asset.description, 'River')
    assert.equal(asset.description, 'River')
  })

  test('that says what is there already is done', async () => {
    const { client } = serve(() => assert.fail('nothing is to be written'))
    assert.equal((await editField(client, 'a', 'description', null, 'Beach')).isSaved, true)
  })
})
