/** Every page, in both languages, light and dark, on a desktop and on the narrowest phone: nothing that keeps somebody out. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { accessibilityProblems, scrollsSideways } from './testing/axe.ts'
import {
  desktop,
  narrow,
  type SiteUnderTest,
  shoot,
  signedIn,
  startSite,
  type Visit,
  withoutBrowser,
} from './testing/browser.ts'
import { photo } from './testing/photos.ts'

const looks = [
  { name: 'en-light-desktop', options: { ...desktop, locale: 'en-GB', colorScheme: 'light' as const } },
  { name: 'ko-dark-narrow', options: { ...narrow, locale: 'ko-KR', colorScheme: 'dark' as const } },
  { name: 'ko-light-desktop', options: { ...desktop, locale: 'ko-KR', colorScheme: 'light' as const } },
  { name: 'en-dark-narrow', options: { ...narrow, locale: 'en-GB', colorScheme: 'dark' as const } },
]

describe('a page', { skip: withoutBrowser }, () => {
  let site: SiteUnderTest
  let owner: Visit
  let pages: { name: string; path: string; isPublic?: boolean }[]

  before(async () => {
    site = await startSite()
    owner = await site.visit()
    await signedIn(site, owner, 'owner')
    const assets = await Promise.all([1, 2, 3].map((seed) => upload(seed)))
    await site.server.settleJobs()
    const album = await post('/v1/albums', { title: 'Winter', assetIds: assets })
    const link = await post(`/v1/albums/${album.id}/links`, {})
    const locked = await post(`/v1/albums/${album.id}/links`, { password: 'rain over the bay' })
    await post('/v1/assets/delete', { ids: [await upload(4)] })
    pages = [
      { name: 'sign-in', path: '/sign-in', isPublic: true },
      { name: 'sign-up', path: '/sign-up', isPublic: true },
      { name: 'link', path: `/s/${link.token}`, isPublic: true },
      { name: 'link-locked', path: `/s/${locked.token}`, isPublic: true },
      { name: 'link-unknown', path: '/s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', isPublic: true },
      { name: 'photos', path: '/photos' },
      { name: 'viewer', path: `/photos/${assets[0]}` },
      { name: 'viewer-missing', path: '/photos/01930000-0000-7000-8000-000000000000' },
      { name: 'favorites', path: '/favorites' },
      { name: 'trash', path: '/trash' },
      { name: 'albums', path: '/albums' },
      { name: 'album', path: `/albums/${album.id}` },
      { name: 'album-missing', path: '/albums/01930000-0000-7000-8000-000000000000' },
      { name: 'account', path: '/account' },
      { name: 'components', path: '/components' },
      { name: 'unknown', path: '/nothing/here' },
    ]
  })
  after(() => site.close())

  async function post(path: string, data: unknown): Promise<{ id: string; token: string }> {
    const answer = await owner.context.request.post(path, { data, headers: { 'sec-fetch-site': 'same-origin' } })
    assert.ok(answer.ok(), `${path} answered ${answer.status()}: ${await answer.text()}`)
    return (await answer.json()) as { id: string; token: string }
  }

  async function upload(seed: number): Promise<string> {
    const answer = await owner.context.request.post(`/v1/assets?filename=${seed}.jpg`, {
      data: await photo(seed),
      headers: { 'content-type': 'image/jpeg', 'sec-fetch-site': 'same-origin' },
    })
    const { asset } = (await answer.json()) as { asset: { id: string } }
    return asset.id
  }

  for (const { name: look, options } of looks) {
    test(`is accessible, fits its screen and complains of nothing: ${look}`, async () => {
      const visit = await site.visit({ ...options, storageState: await owner.context.storageState() })
      const stranger = await site.visit(options)
      for (const { name, path, isPublic } of pages) {
        const { page, complaints } = isPublic === true ? stranger : visit
        await page.goto(path)
        await page.locator('h1, h2, [role=dialog], dialog').first().waitFor()
        // The stream of events never ends, so that the network is never idle: the pictures are what is waited for.
        await page.waitForFunction(() => [...document.images].every((image) => image.complete))
        await shoot(page, `${name}-${look}`)
        assert.deepEqual(await accessibilityProblems(page), [], `${name}, ${look}`)
        assert.equal(await scrollsSideways(page), false, `${name}, ${look} scrolls sideways`)
        assert.deepEqual(complaints, [], `${name}, ${look}`)
      }
      await visit.context.close()
      await stranger.context.close()
    })
  }
})
