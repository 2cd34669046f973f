/** What is shown before any of the site runs: the first photos, where the grid then puts them. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import {
  desktop,
  narrow,
  phone,
  type SiteUnderTest,
  shoot,
  signedIn,
  startSite,
  withoutBrowser,
} from './testing/browser.ts'
import { everyPictureShows } from './testing/grid.ts'
import { photo } from './testing/photos.ts'

const tablet = { viewport: { width: 820, height: 1180 }, hasTouch: true, isMobile: true }

describe('the first screen', { skip: withoutBrowser }, () => {
  let site: SiteUnderTest
  let state: Awaited<ReturnType<Awaited<ReturnType<SiteUnderTest['visit']>>['context']['storageState']>>
  before(async () => {
    site = await startSite()
    const owner = await site.visit()
    await signedIn(site, owner, 'ada')
    for (let seed = 1; seed <= 9; seed += 1) {
      const shape = seed % 4 === 0 ? { width: 900, height: 1600 } : seed === 5 ? { width: 3000, height: 700 } : {}
      const answer = await owner.context.request.post(`/v1/assets?filename=${seed}.jpg`, {
        data: await photo(seed, { ...shape, takenAt: `2024:05:1${seed % 3} 12:00:0${seed}` }),
        headers: { 'content-type': 'image/jpeg', 'sec-fetch-site': 'same-origin' },
      })
      assert.equal(answer.status(), 201)
    }
    await site.server.settleJobs()
    state = await owner.context.storageState()
    await owner.context.close()
  })
  after(() => site.close())

  for (const [name, options] of Object.entries({ desktop, tablet, phone, narrow })) {
    test(`shows photos without the site's scripts, and none of them moves when those come (${name})`, async () => {
      const { page, context, complaints } = await site.visit({ ...options, storageState: state })
      const held = Promise.withResolvers<void>()
      await page.route('**/_app/immutable/**/*.js', async (route) => {
        await held.promise
        await route.continue()
      })
      await page.goto('/photos', { waitUntil: 'commit' })
      await page.waitForFunction(() => {
        const images = [...document.querySelectorAll<HTMLImageElement>('#first-paint img')]
        return images.length > 0 && images.every((image) => image.naturalWidth > 0)
      })
      await shoot(page, `first-paint-${name}`)
      const first = await boxes(page, '#first-paint img')
      held.resolve()
      await page.locator('main [data-id]').first().waitFor()
      await page.waitForFunction(() => document.getElementById('first-paint') === null)
      await everyPictureShows(page, await page.locator('main [data-id]').count())
      const then = await boxes(page, 'main [data-id] img')
      assert.deepEqual(then.slice(0, first.length), first)
      assert.deepEqual(complaints, [])
      await context.close()
    })
  }
})

/** Of the pictures, in the order of the page. */
async function boxes(page: Page, selector: string) {
  return page.evaluate(
    (wanted) =>
      [...document.querySelectorAll<HTMLImageElement>(wanted)].map((image) => {
        const { left, top, width, height } = image.getBoundingClientRect()
        return { source: image.currentSrc, left, top, width, height }
      }),
    selector,
  )
}
