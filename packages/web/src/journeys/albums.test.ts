/** What people do in an album together, each as far as they may. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import {
  dragFiles,
  type SiteUnderTest,
  shoot,
  signedIn,
  startSite,
  type Visit,
  withoutBrowser,
} from './testing/browser.ts'
import { photo } from './testing/photos.ts'

describe('an album of several people', { skip: withoutBrowser }, () => {
  let site: SiteUnderTest
  before(async () => {
    site = await startSite()
  })
  after(() => site.close())

  test('is arranged by keys, named in place, and gives back what was taken out', async () => {
    const owner = await site.visit()
    const { page } = owner
    await signedIn(site, owner, 'grace')
    const album = await makeAlbum(site, owner, 'Harvest', 4)

    await page.goto(`/albums/${album}/arrange`)
    await page.locator('button[data-id]').nth(3).waitFor()
    const [first, ...others] = await orderOf(page)
    await page.locator('button[data-id]').first().focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await page.getByText('Position 3 of 4').first().waitFor()
    const arranged = [others[0], others[1], first, others[2]]
    assert.deepEqual(await orderOf(page), arranged)
    await page.getByRole('link', { name: 'Done' }).click()
    await page.waitForFunction(
      (wanted) =>
        [...document.querySelectorAll<HTMLElement>('main [data-id]')].map((tile) => tile.dataset.id).join() === wanted,
      arranged.join(),
    )

    await page.getByRole('button', { name: 'Edit title' }).click()
    await page.keyboard.type('Harvest of pears')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Harvest of pears' }).waitFor()
    await page.locator('main [data-id]').first().hover()
    await page.locator('main [data-id]').first().getByRole('checkbox').click()
    await page.getByRole('button', { name: 'Remove from album' }).click()
    await page.getByText('1 item removed from the album.').waitFor()
    await page.waitForFunction(() => document.querySelectorAll('main [data-id]').length === 3)
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.waitForFunction(() => document.querySelectorAll('main [data-id]').length === 4)
    assert.deepEqual(owner.complaints, [])
    await owner.context.close()
  })

  test('offers nothing to a viewer that they may not do, and lets them leave', async () => {
    const [owner, viewer] = [await site.visit(), await site.visit()]
    await signedIn(site, owner, 'ada')
    await signedIn(site, viewer, 'bob')
    const album = await makeAlbum(site, owner, 'Look, do not touch', 1)
    const { page } = owner
    await page.goto(`/albums/${album}`)
    await page.getByRole('button', { name: 'Share' }).click()
    await page.getByLabel('Add by handle').fill('nobody-here')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByText('Nobody here has the handle @nobody-here.').waitFor()
    await page.getByLabel('Add by handle').fill('@bob')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    // Told where the person is: beneath the dialog it could not be pressed.
    const sharing = page.getByRole('dialog', { name: 'Share “Look, do not touch”' })
    await sharing.getByText('bob can see the album now.').waitFor()

    await viewer.page.goto('/albums')
    await viewer.page.getByRole('link', { name: /Look, do not touch/ }).click()
    await viewer.page.getByRole('heading', { name: 'Look, do not touch' }).waitFor()
    await viewer.page.locator('main [data-id] img').waitFor()
    await shoot(viewer.page, 'album-viewer')
    for (const name of ['Share', 'Edit title', 'Add a description']) {
      assert.equal(await viewer.page.getByRole('button', { name }).count(), 0, name)
    }
    assert.equal(await viewer.page.getByRole('link', { name: 'Add photos' }).count(), 0)
    // Also after a photo of it was looked at, which has an address of its own.
    await viewer.page.locator('main [data-id] a').click()
    await viewer.page.getByRole('dialog', { name: 'Photo viewer' }).waitFor()
    await viewer.page.waitForURL(`**/albums/${album}/*`)
    await dragFiles(viewer.page, [import.meta.filename])
    await viewer.page.getByText('You can look at this album, but not add to it.').waitFor()
    await viewer.page.goto(`/albums/${album}`)
    await viewer.page.locator('main [data-id] img').waitFor()
    await viewer.page.getByRole('button', { name: 'More for this album' }).click()
    const items = await viewer.page.getByRole('menuitem').allInnerTexts()
    assert.deepEqual(items, ['Download all', 'Leave album'])
    const saving = viewer.page.waitForEvent('download')
    await viewer.page.getByRole('menuitem', { name: 'Download all' }).click()
    assert.equal(await (await saving).failure(), null)

    await viewer.page.getByRole('button', { name: 'More for this album' }).click()
    await viewer.page.getByRole('menuitem', { name: 'Leave album' }).click()
    await viewer.page.getByRole('dialog').getByRole('button', { name: 'Leave album' }).click()
    await viewer.page.getByRole('heading', { name: 'No albums yet' }).waitFor()
    await viewer.page.goto(`/albums/${album}`)
    await viewer.page.getByRole('heading', { name: 'This album is not here' }).waitFor()
    assert.deepEqual([...owner.complaints, ...viewer.complaints], [])
    await owner.context.close()
    await viewer.context.close()
  })
})

function orderOf(page: Page): Promise<(string | undefined)[]> {
  return page.locator('button[data-id]').evaluateAll((tiles) => tiles.map((tile) => (tile as HTMLElement).dataset.id))
}

/** Of photos that are ready. Answers its id. */
async function makeAlbum(site: SiteUnderTest, { context }: Visit, title: string, count: number): Promise<string> {
  const headers = { 'sec-fetch-site': 'same-origin' }
  const assetIds: string[] = []
  for (let seed = 1; seed <= count; seed += 1) {
    const answer = await context.request.post(`/v1/assets?filename=photo-${seed}.jpg`, {
      data: await photo(seed, { takenAt: `2024:05:${10 + seed} 10:00:00` }),
      headers: { ...headers, 'content-type': 'image/jpeg' },
    })
    const { asset } = (await answer.json()) as { asset: { id: string } }
    assetIds.push(asset.id)
  }
  await site.server.settleJobs()
  const answer = await context.request.post('/v1/albums', { data: { title, assetIds }, headers })
  return ((await answer.json()) as { id: string }).id
}
