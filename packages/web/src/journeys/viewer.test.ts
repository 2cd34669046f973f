/** Looking through photos by keyboard alone, and what the address, the page behind and the focus do meanwhile. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { desktop, type SiteUnderTest, signedIn, startSite, type Visit, withoutBrowser } from './testing/browser.ts'
import { everyPictureShows, tiles } from './testing/grid.ts'
import { photo } from './testing/photos.ts'

const count = 5
/** As the site's own pages send. */
const fromHere = { 'sec-fetch-site': 'same-origin' }

describe('the viewer', { skip: withoutBrowser }, () => {
  let site: SiteUnderTest
  before(async () => {
    site = await startSite()
  })
  after(() => site.close())

  /** Somebody with five photos, the newest first; returns their ids in that order. */
  async function withPhotos(visit: Visit, handle: string): Promise<string[]> {
    await signedIn(site, visit, handle)
    const ids: string[] = []
    for (let seed = 1; seed <= count; seed += 1) {
      const data = await photo(seed, { takenAt: `2024:05:1${9 - seed} 12:00:00` })
      const headers = { 'content-type': 'image/jpeg', ...fromHere }
      const answer = await visit.context.request.post(`/v1/assets?filename=${seed}.jpg`, { data, headers })
      ids.push((await answer.json()).asset.id)
    }
    await site.server.settleJobs()
    return ids
  }

  test('opens, moves, zooms and closes by keys, and one step back leaves it', async () => {
    const visit = await site.visit(desktop)
    const { page, complaints } = visit
    const ids = await withPhotos(visit, 'kim')
    await page.goto('/photos')
    await everyPictureShows(page, count)
    await tiles(page).nth(1).getByRole('link').focus()
    await page.keyboard.press('Enter')
    await isAt(page, ids[1], '2 of 5')
    const steps = await page.evaluate(() => history.length)
    await page.keyboard.press('ArrowRight')
    await isAt(page, ids[2], '3 of 5')
    await page.keyboard.press('ArrowLeft')
    await isAt(page, ids[1], '2 of 5')
    assert.equal(await page.evaluate(() => history.length), steps)

    const across = () => shown(page).evaluate((image) => image.getBoundingClientRect().width)
    const fitting = await across()
    await page.keyboard.press('+')
    await page.waitForFunction(
      ([selector, width]) => (document.querySelector(selector)?.getBoundingClientRect().width ?? 0) > width * 1.3,
      [shownSelector, fitting] as const,
    )
    await page.keyboard.press('-')
    await page.waitForFunction(
      ([selector, width]) => (document.querySelector(selector)?.getBoundingClientRect().width ?? 0) < width * 1.01,
      [shownSelector, fitting] as const,
    )

    await page.goBack()
    await viewer(page).waitFor({ state: 'detached' })
    assert.equal(new URL(page.url()).pathname, '/photos')
    assert.equal(await page.title(), 'Photos · Heliograph')
    const focused = () => page.evaluate(() => document.activeElement?.closest('[data-id]')?.getAttribute('data-id'))
    assert.equal(await focused(), ids[1])
    assert.equal(await page.locator('[inert]').count(), 0)
    assert.deepEqual(complaints, [])
    await visit.context.close()
  })

  test('moves on and closes when that is asked for while it still opens', async () => {
    const visit = await site.visit(desktop)
    const { page, context, complaints } = visit
    const ids = await withPhotos(visit, 'choi')
    await page.goto('/photos')
    await everyPictureShows(page, count)
    // As on a machine that has other things to do.
    const session = await context.newCDPSession(page)
    await session.send('Animation.enable')
    await session.send('Animation.setPlaybackRate', { playbackRate: 0.1 })
    const open = async (id: string | undefined) => {
      await page.locator(`main [data-id="${id}"] a`).focus()
      await page.keyboard.press('Enter')
      await page.waitForSelector('.pswp__item[aria-hidden="false"]')
    }
    await open(ids[1])
    await page.keyboard.press('ArrowRight')
    await isAt(page, ids[2], '3 of 5')
    await page.keyboard.press('Escape')
    await viewer(page).waitFor({ state: 'detached' })
    await open(ids[0])
    await page.keyboard.press('Escape')
    await viewer(page).waitFor({ state: 'detached' })
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('shows the next photo when one goes to the trash, and undo puts it back beside', async () => {
    const visit = await site.visit(desktop)
    const { page, complaints } = visit
    const ids = await withPhotos(visit, 'lee')
    await page.goto(`/photos/${ids[4]}`)
    await isAt(page, ids[4], '5 of 5')
    await page.keyboard.press('Delete')
    await isAt(page, ids[3], '4 of 4')
    await page.getByRole('button', { name: 'Undo' }).click()
    await isAt(page, ids[3], '4 of 5')
    await page.keyboard.press('Escape')
    await viewer(page).waitFor({ state: 'detached' })
    await page.waitForURL('**/photos')
    assert.deepEqual(complaints, [])
    await visit.context.close()
  })

  test('does not write over a description that was changed elsewhere meanwhile', async () => {
    const visit = await site.visit(desktop)
    const { page, context, complaints } = visit
    const [id] = await withPhotos(visit, 'park')
    const change = (description: string) =>
      context.request.patch(`/v1/assets/${id}`, { data: { description }, headers: fromHere })
    const read = async () => (await (await context.request.get(`/v1/assets/${id}`)).json()).description
    await page.goto(`/photos/${id}`)
    await isAt(page, id, '1 of 5')
    await page.keyboard.press('i')
    const field = page.getByRole('textbox', { name: 'Description' })
    await field.fill('Mine')
    await change('Theirs')
    await field.press('Control+Enter')
    await page.getByText('Meanwhile it was changed elsewhere to “Theirs”.').waitFor()
    assert.equal(await read(), 'Theirs')
    await page.getByRole('button', { name: 'Use mine' }).click()
    await page.getByText('Saved', { exact: true }).waitFor()
    assert.equal(await read(), 'Mine')
    assert.deepEqual(complaints, [])
    await context.close()
  })
})

const shownSelector = '.pswp__item[aria-hidden="false"] .viewer-slide img[sizes]'

function viewer(page: Page) {
  return page.getByRole('dialog', { name: 'Photo viewer' })
}

function shown(page: Page) {
  return page.locator(shownSelector)
}

/** Until the viewer rests on a photo: its picture is there, its address, and what is said of its place. */
async function isAt(page: Page, id: string | undefined, position: string): Promise<void> {
  await page.waitForURL(`**/photos/${id}`)
  await viewer(page).getByRole('status').filter({ hasText: position }).waitFor({ state: 'attached' })
  await page.waitForFunction(
    (selector) => (document.querySelector<HTMLImageElement>(selector)?.naturalWidth ?? 0) > 0,
    shownSelector,
  )
}
