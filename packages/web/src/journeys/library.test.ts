/** What somebody does on their first day: an account, a folder of photos, looking at them, keeping some and not others. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import {
  desktop,
  dropFiles,
  person,
  phone,
  type SiteUnderTest,
  shoot,
  startSite,
  withoutBrowser,
} from './testing/browser.ts'
import { everyPictureShows, longPress, select, tiles, waitForCount } from './testing/grid.ts'
import { photoFolder } from './testing/photos.ts'

const sizes = { desktop, phone }

describe('on the first day', { skip: withoutBrowser }, () => {
  let site: SiteUnderTest
  before(async () => {
    site = await startSite()
  })
  after(() => site.close())

  for (const [size, options] of Object.entries(sizes)) {
    test(`an account is made, a folder dropped, photos looked at, kept and thrown away (${size})`, async () => {
      const { page, context, complaints } = await site.visit(options)
      const folder = await photoFolder(6, size === 'desktop' ? 1 : 101)
      try {
        await signUp(page, `${size}-person`)
        await page.getByRole('heading', { name: 'Room for every moment' }).waitFor()
        await shoot(page, `empty-${size}`)

        await dropFiles(page, [folder])
        await page.getByText('6 added').first().waitFor()
        await shoot(page, `uploaded-${size}`)
        // Each appears by itself once its picture is made.
        await tiles(page).nth(5).locator('img').waitFor()
        await everyPictureShows(page, 6)
        await page.getByRole('button', { name: 'Close uploads' }).click()
        await shoot(page, `photos-${size}`)

        await lookAtOne(page, size)
        await throwAwayAndTakeBack(page, size)
        assert.deepEqual(complaints, [])
      } catch (error) {
        await shoot(page, `failed-${size}`)
        throw error
      } finally {
        await context.close()
        await rm(folder, { recursive: true, force: true })
      }
    })
  }
})

async function signUp(page: Page, handle: string): Promise<void> {
  const { email, password } = person(handle)
  await page.goto('/')
  await page.waitForURL(/\/sign-(in|up)$/)
  if (new URL(page.url()).pathname !== '/sign-up') await page.getByRole('link', { name: 'Create account' }).click()
  await page.getByLabel('Name', { exact: true }).fill('Ada Lovelace')
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Handle').fill(handle)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await shoot(page, `sign-up-${handle}`)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.waitForURL('**/photos')
}

/** Opens the newest, by key on a desktop and by a tap on a phone; makes it a favourite; reads its details; goes back. */
async function lookAtOne(page: Page, size: string): Promise<void> {
  const first = tiles(page).first()
  const id = await first.getAttribute('data-id')
  if (size === 'desktop') {
    await first.getByRole('link').focus()
    await page.keyboard.press('Enter')
  } else {
    await first.getByRole('link').tap()
  }
  await page.waitForURL(`**/photos/${id}`)
  const viewer = page.getByRole('dialog', { name: 'Photo viewer' })
  await viewer.waitFor()
  await page.waitForFunction(() =>
    [...document.querySelectorAll<HTMLImageElement>('[role=dialog] img, dialog img')].some(
      (image) => image.naturalWidth > 0,
    ),
  )
  await shoot(page, `viewer-${size}`)

  await viewer.getByRole('button', { name: 'Add to favourites' }).click()
  await viewer.getByRole('button', { name: 'Remove from favourites' }).waitFor()
  await viewer.getByRole('button', { name: 'Details', exact: true }).click()
  await viewer.getByText('Heliograph Test Camera').waitFor()
  await shoot(page, `details-${size}`)
  await viewer.getByRole('button', { name: 'Close details' }).first().click()
  await viewer.getByRole('button', { name: 'Close', exact: true }).click()
  await page.waitForURL('**/photos')
  await viewer.waitFor({ state: 'detached' })

  await page.getByRole('link', { name: 'Favourites' }).click()
  await page.waitForURL('**/favorites')
  await tiles(page).first().waitFor()
  assert.equal(await tiles(page).count(), 1)
  assert.equal(await tiles(page).first().getAttribute('data-id'), id)
  await page.getByRole('link', { name: 'Photos', exact: true }).click()
  await page.waitForURL('**/photos')
}

/** To the trash and back by undo, then by the page of the trash, then one for good. */
async function throwAwayAndTakeBack(page: Page, size: string): Promise<void> {
  await tiles(page).nth(5).waitFor()
  if (size === 'phone') await longPress(page, 0)
  else await select(page, 0)
  await select(page, 1)
  await page.getByText('2 selected').waitFor()
  await page.getByRole('button', { name: 'Move to trash' }).click()
  await waitForCount(page, 4)
  await page.getByRole('button', { name: 'Undo' }).click()
  await waitForCount(page, 6)

  if (size === 'phone') await longPress(page, 5)
  else await select(page, 5)
  await page.getByRole('button', { name: 'Move to trash' }).click()
  await waitForCount(page, 5)
  await page.getByRole('link', { name: 'Trash' }).click()
  await page.waitForURL('**/trash')
  await waitForCount(page, 1)
  await page
    .getByText(/(29|30) days left/)
    .first()
    .waitFor()
  await shoot(page, `trash-${size}`)
  if (size === 'phone') await longPress(page, 0)
  else await select(page, 0)
  await page.getByRole('button', { name: 'Restore' }).click()
  await page.getByRole('heading', { name: 'The trash is empty' }).waitFor()
  await page.getByRole('link', { name: 'Photos', exact: true }).click()
  await waitForCount(page, 6)
}
