/** An album is made of some photos and shown to somebody who has no account. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page, Request } from 'playwright-core'
import {
  desktop,
  phone,
  type SiteUnderTest,
  shoot,
  signedIn,
  startSite,
  type Visit,
  withoutBrowser,
} from './testing/browser.ts'
import { everyPictureShows, select, tiles, waitForCount } from './testing/grid.ts'
import { photo } from './testing/photos.ts'

const secret = 'rain over the bay'

describe('an album', { skip: withoutBrowser }, () => {
  let site: SiteUnderTest
  before(async () => {
    site = await startSite()
  })
  after(() => site.close())

  test('is made of selected photos, shared by a link with a password, and opened in a clean browser', async () => {
    const owner = await site.visit()
    await signedIn(site, owner, 'grace')
    await uploadPhotos(site, owner, 4)
    await owner.page.goto('/photos')
    await everyPictureShows(owner.page, 4)
    await makeAlbum(owner.page, 'Rain over the bay')
    const link = await shareByLink(owner.page)

    const guest = await site.visit(phone)
    await guest.page.goto(link)
    await guest.page.getByRole('heading', { name: 'This album needs a password' }).waitFor()
    await shoot(guest.page, 'link-locked-phone')
    const body = await guest.page.content()
    assert.ok(!body.includes('Rain over the bay'), 'a locked link tells nothing of its album')
    await guest.page.getByLabel('Password', { exact: true }).fill('sun over the bay')
    await guest.page.getByRole('button', { name: 'Open album' }).click()
    await guest.page.getByText('This is not the password').waitFor()
    await guest.page.getByLabel('Password', { exact: true }).fill(secret)
    await guest.page.getByRole('button', { name: 'Open album' }).click()
    await guest.page.getByRole('heading', { name: 'Rain over the bay' }).waitFor()
    await everyPictureShows(guest.page, 2)
    await shoot(guest.page, 'link-phone')
    assert.equal(await guest.page.getByRole('button', { name: 'Download all' }).count(), 0)

    await tiles(guest.page).first().getByRole('link').tap()
    await guest.page.getByRole('dialog', { name: 'Photo viewer' }).waitFor()
    await guest.page.waitForURL(`${link}/*`)
    assert.equal(await guest.page.getByRole('button', { name: 'Download' }).count(), 0)

    // Revoked while somebody looks: the next look finds nothing.
    await owner.page.getByRole('button', { name: 'Revoke' }).first().click()
    await owner.page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).last().click()
    await owner.page.getByText('The link is revoked.').waitFor()
    await guest.page.goto(link)
    await guest.page.getByRole('heading', { name: 'This link leads nowhere' }).waitFor()
    await shoot(guest.page, 'link-revoked-phone')
    assert.deepEqual([...owner.complaints, ...guest.complaints], [])
    await owner.context.close()
    await guest.context.close()
  })

  test('asks a visitor whose pictures do not come for nothing but the link', async () => {
    const owner = await site.visit()
    await signedIn(site, owner, 'ruth')
    const assetIds = await uploadPhotos(site, owner, 2)
    const { id } = await createAlbum(owner, 'Our walk', assetIds)
    const token = await createLink(owner, id, {})

    const { page, context } = await site.visit(desktop)
    await page.clock.install()
    await page.route('**/*', (route) => (isPicture(route.request()) ? route.abort() : route.continue()))
    const refused: string[] = []
    page.on('response', (answer) => answer.status() === 401 && refused.push(answer.url()))
    const lost = new Set<string>()
    page.on('requestfailed', (request) => lost.add(request.url()))
    await page.goto(`/s/${token}`)
    await tiles(page).nth(1).waitFor()
    while (lost.size < 2) await page.waitForEvent('requestfailed')
    await page.clock.runFor(2_000)
    await page.evaluate(() => fetch('/v1/server'))
    assert.deepEqual(
      refused.filter((url) => new URL(url).pathname === '/v1/assets'),
      [],
    )
    await owner.context.close()
    await context.close()
  })

  test('is filled by a guest whose link allows it', async () => {
    const owner = await site.visit()
    await signedIn(site, owner, 'joan')
    const { id } = await createAlbum(owner, 'Our feast')
    const token = await createLink(owner, id, { allowUpload: true })

    const guest = await site.visit(desktop)
    await guest.page.goto(`/s/${token}`)
    await guest.page.getByText('Be the first to add photos.').waitFor()
    const chooser = guest.page.waitForEvent('filechooser')
    await guest.page.getByRole('button', { name: 'Add photos' }).first().click()
    const item = guest.page.getByRole('menuitem', { name: 'Photos and videos' })
    const chosen = await Promise.race([chooser, item.click().then(() => chooser)])
    await chosen.setFiles({ name: 'feast.jpg', mimeType: 'image/jpeg', buffer: await photo(7) })
    await everyPictureShows(guest.page, 1)
    await shoot(guest.page, 'link-guest-upload')

    await owner.page.goto(`/albums/${id}`)
    await waitForCount(owner.page, 1)
    assert.deepEqual([...owner.complaints, ...guest.complaints], [])
    await owner.context.close()
    await guest.context.close()
  })
})

function isPicture(request: Request): boolean {
  return request.resourceType() === 'image' && !request.url().endsWith('.svg')
}

/** Answers their ids. */
async function uploadPhotos(site: SiteUnderTest, { context }: Visit, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let seed = 1; seed <= count; seed += 1) {
    const answer = await context.request.post(`/v1/assets?filename=photo-${seed}.jpg`, {
      data: await photo(seed, { takenAt: `2024:05:${10 + seed} 10:00:00` }),
      headers: { 'content-type': 'image/jpeg', 'sec-fetch-site': 'same-origin' },
    })
    assert.equal(answer.status(), 201)
    const { asset } = (await answer.json()) as { asset: { id: string } }
    ids.push(asset.id)
  }
  await site.server.settleJobs()
  return ids
}

/** Answers its token. */
async function createLink({ context }: Visit, albumId: string, link: { allowUpload?: boolean }): Promise<string> {
  const answer = await context.request.post(`/v1/albums/${albumId}/links`, {
    data: link,
    headers: { 'sec-fetch-site': 'same-origin' },
  })
  return ((await answer.json()) as { token: string }).token
}

async function createAlbum({ context }: Visit, title: string, assetIds: string[] = []): Promise<{ id: string }> {
  const answer = await context.request.post('/v1/albums', {
    data: { title, assetIds },
    headers: { 'sec-fetch-site': 'same-origin' },
  })
  return (await answer.json()) as { id: string }
}

async function makeAlbum(page: Page, title: string): Promise<void> {
  await select(page, 0)
  await select(page, 1)
  await page.getByRole('button', { name: 'Add to album' }).click()
  const picker = page.getByRole('dialog', { name: 'Add to album' })
  await picker.getByRole('button', { name: 'New album' }).click()
  await page.getByLabel('Title').fill(title)
  await page.getByRole('button', { name: 'Create' }).click()
  await page.getByText(`2 items added to “${title}”.`).waitFor()
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByRole('heading', { name: title }).waitFor()
  await everyPictureShows(page, 2)
  await shoot(page, 'album-desktop')
}

/** With a password and without downloads. Answers its address. */
async function shareByLink(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Share' }).click()
  await page.getByRole('button', { name: 'New link' }).click()
  await page.getByRole('switch', { name: 'Ask for a password' }).click()
  await page.getByLabel('Password', { exact: true }).fill(secret)
  await page.getByRole('switch', { name: 'Allow downloads' }).click()
  await shoot(page, 'new-link-desktop')
  await page.getByRole('button', { name: 'Create link' }).click()
  const address = page.getByLabel('Address of the link')
  await address.first().waitFor()
  await shoot(page, 'share-desktop')
  return address.first().inputValue()
}
