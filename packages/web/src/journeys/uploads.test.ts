/** Uploading as a person does it: by drop, through a reload, through a lost network, and what is said of what fails. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Page, Request } from 'playwright-core'
import { createDatabaseProxy } from '../../../server/src/testing/database-proxy.ts'
import { accessibilityProblems, scrollsSideways } from './testing/axe.ts'
import { dropFiles, narrow, type SiteUnderTest, shoot, signedIn, startSite, withoutBrowser } from './testing/browser.ts'
import { photo } from './testing/photos.ts'

const megabyte = 1_000_000

describe('uploading', { skip: withoutBrowser }, () => {
  let site: SiteUnderTest
  let root: string

  before(async () => {
    site = await startSite({ MAX_FILE_SIZE: '70M' })
    root = await mkdtemp(join(tmpdir(), 'heliograph-uploads-'))
  })
  after(async () => {
    await site.close()
    await rm(root, { recursive: true, force: true })
  })

  /** A folder with these files; the names may have folders in them. */
  async function folderOf(name: string, files: Record<string, Buffer | string>): Promise<string> {
    const folder = join(root, name)
    for (const [path, bytes] of Object.entries(files)) {
      await mkdir(join(folder, path, '..'), { recursive: true })
      await writeFile(join(folder, path), bytes)
    }
    return folder
  }

  /** A photo that takes a while: behind its end a camera may put what it likes. */
  const largePhoto = async (seed: number, bytes: number) => Buffer.concat([await photo(seed), randomBytes(bytes)])

  const tray = (page: Page) => page.getByRole('region', { name: 'Uploads' })
  const status = (page: Page, text: string | RegExp) =>
    tray(page).locator('strong', { hasText: text }).first().waitFor()
  const titleOf = (page: Page) => tray(page).locator('strong').first().innerText()

  async function open(handle: string, options?: Parameters<SiteUnderTest['visit']>[0]) {
    const visit = await site.visit(options)
    await signedIn(site, visit, handle)
    await visit.page.goto('/photos')
    await visit.page.getByRole('heading', { level: 1 }).waitFor()
    return visit
  }

  async function library(page: Page): Promise<string[]> {
    const answer = await page.context().request.get('/v1/assets?limit=500')
    const { items } = (await answer.json()) as { items: { filename: string }[] }
    return items.map(({ filename }) => filename).sort()
  }

  /** Bytes that are put from now on, by the address of what they are put to. */
  function watchPuts(page: Page): Request[] {
    const puts: Request[] = []
    page.on('request', (request) => {
      if (request.method() === 'PUT') puts.push(request)
    })
    return puts
  }

  /** Returns what takes the network away and brings it back. */
  async function slow(page: Page, bytesPerSecond: number): Promise<(offline: boolean) => Promise<void>> {
    const session = await page.context().newCDPSession(page)
    await session.send('Network.enable')
    const emulate = async (offline: boolean) => {
      const conditions = { offline, latency: 0, downloadThroughput: -1, uploadThroughput: bytesPerSecond }
      await session.send('Network.emulateNetworkConditions', conditions)
    }
    await emulate(false)
    return emulate
  }

  it('takes a dropped folder with its folders, shows its photos, and knows them when they come again', async () => {
    const { context, page, complaints } = await open('ann')
    const files: Record<string, Buffer | string> = { 'notes.txt': 'x', '.DS_Store': 'x', 'deep/Thumbs.db': 'x' }
    for (let index = 0; index < 12; index++) {
      files[`${index % 2 === 0 ? '' : 'deep/er/'}IMG_${index}.jpg`] = await photo(index, { width: 400, height: 300 })
    }
    const folder = await folderOf('Trip', files)
    await dropFiles(page, [folder])
    await status(page, '12 added')
    assert.match(await tray(page).innerText(), /1 file was left out because it is no photo or video/)
    // The tiles come by themselves.
    await page.locator('main a[href^="/photos/"] img').first().waitFor()
    await shoot(page, 'uploads-done')

    await dropFiles(page, [folder])
    await status(page, '12 were already there')
    assert.equal((await library(page)).length, 12)
    assert.deepEqual(complaints, [])
    await context.close()
  })

  it('says for each failure what is wrong, and tries again when asked', async () => {
    const { context, page } = await open('bea')
    const folder = await folderOf('Mixed', {
      'good.jpg': await photo(40),
      'fake.jpg': 'this is a letter',
      'huge.jpg': await largePhoto(41, 75 * megabyte),
    })
    await dropFiles(page, [folder])
    await status(page, '1 added, 2 failed')
    await page.getByRole('button', { name: 'Show uploads' }).click()
    const said = await tray(page).innerText()
    assert.match(said, /larger than 73 MB, the most this server takes/)
    assert.match(said, /its bytes are something else/)
    assert.deepEqual(await accessibilityProblems(page), [])
    await page.getByRole('button', { name: 'Try fake.jpg again' }).click()
    await status(page, '1 added, 2 failed')
    await page.getByRole('button', { name: 'Close uploads' }).click()
    await tray(page).waitFor({ state: 'detached' })
    await context.close()
  })

  it('goes on after a pause and a reload, and sends nothing twice', async () => {
    const { context, page } = await open('cat')
    const folder = await folderOf('Long', {
      'long.jpg': await largePhoto(50, 40 * megabyte),
      'short.jpg': await photo(51),
    })
    const puts = watchPuts(page)
    const stored: string[] = []
    page.on('response', (response) => {
      if (response.request().method() === 'PUT' && response.ok()) stored.push(response.url())
    })
    await slow(page, 6 * megabyte)
    await dropFiles(page, [folder])
    await status(page, /Uploading/)
    await page.getByRole('button', { name: 'Show uploads' }).click()
    while (stored.length < 2) await page.waitForTimeout(20)
    await page.getByRole('button', { name: 'Pause all' }).click()
    await tray(page).getByText('Paused', { exact: true }).first().waitFor()
    await shoot(page, 'uploads-paused')
    // The write of what survives is gathered for a moment.
    await page.waitForFunction(() => localStorage.getItem('heliograph.uploads') === 'paused')
    // Another page of the same person shows nothing of what this one is at work on.
    const other = await context.newPage()
    await other.goto('/photos')
    await other.getByRole('heading', { level: 1 }).waitFor()
    await other.waitForTimeout(1000)
    assert.equal(await tray(other).count(), 0)
    await other.close()
    await page.reload()

    // Whoever paused is asked before anything moves.
    await status(page, /Uploading/)
    const before = puts.length
    const partOf = (url: string) => new URL(url).searchParams.get('partNumber') ?? new URL(url).search
    const storedBefore = new Set(stored.map(partOf))
    await page.getByRole('button', { name: 'Show uploads' }).click()
    await tray(page).getByText('Paused', { exact: true }).first().waitFor()
    assert.equal(puts.length, before)
    await page.getByRole('button', { name: 'Resume all' }).click()
    await status(page, /added/)
    assert.deepEqual(await library(page), ['long.jpg', 'short.jpg'])
    assert.ok(storedBefore.size > 0)
    const bytes = puts.slice(before).reduce((sum, put) => sum + Number(new URL(put.url()).searchParams.get('size')), 0)
    assert.ok(bytes < 40 * megabyte, `${bytes} bytes were sent after the reload`)
    await context.close()
  })

  it('asks for the files again where the browser cannot find them by itself', async () => {
    const { context, page } = await open('dan')
    const folder = await folderOf('Again', { 'again.jpg': await largePhoto(60, 30 * megabyte) })
    await slow(page, 3 * megabyte)
    page.on('dialog', (dialog) => void dialog.accept())
    await page.locator('input[data-upload="files"]').first().setInputFiles(join(folder, 'again.jpg'))
    await status(page, /Uploading/)
    await page.waitForRequest((request) => request.method() === 'PUT')
    await page.waitForFunction(() => localStorage.getItem('heliograph.uploads') !== null)
    await page.reload()
    await status(page, '1 upload is not finished')
    await shoot(page, 'uploads-unfinished')
    await page.locator('input[data-upload="again"]').setInputFiles(join(folder, 'again.jpg'))
    await status(page, '1 added')
    assert.equal(await titleOf(page), '1 added')
    await context.close()
  })

  it('waits for a network that went away and goes on by itself', async () => {
    const { context, page } = await open('eve', narrow)
    const folder = await folderOf('Waves', {
      'one.jpg': await largePhoto(70, 20 * megabyte),
      'two.jpg': await photo(71),
      'three.jpg': await photo(72),
    })
    const beOffline = await slow(page, 4 * megabyte)
    await dropFiles(page, [folder])
    await page.waitForRequest((request) => request.method() === 'PUT')
    await beOffline(true)
    await tray(page).getByText('Waiting for the network. It goes on by itself.').waitFor()
    await page.getByText('You are offline.').waitFor()
    await shoot(page, 'uploads-offline-narrow')
    assert.equal(await scrollsSideways(page), false)
    await beOffline(false)
    await status(page, '3 added')
    assert.deepEqual(await library(page), ['one.jpg', 'three.jpg', 'two.jpg'])
    await context.close()
  })

  it('waits for somebody whose session ended to sign in again', async () => {
    const { context, page } = await open('ivy')
    const folder = await folderOf('Session', {
      'one.jpg': await largePhoto(75, 12 * megabyte),
      'two.jpg': await photo(76),
    })
    await slow(page, 4 * megabyte)
    await dropFiles(page, [folder])
    await page.waitForRequest((request) => request.method() === 'PUT')
    await context.clearCookies()
    await page.waitForURL(/\/sign-in/)
    await page.getByLabel('Email').fill('ivy@example.org')
    await page.getByLabel('Password', { exact: true }).fill('correct horse battery')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await status(page, '2 added')
    assert.deepEqual(await library(page), ['one.jpg', 'two.jpg'])
    await context.close()
  })

  it('takes a picture from the clipboard', async () => {
    const { context, page } = await open('fay')
    const picture = (await photo(80, { width: 300, height: 200 })).toString('base64')
    await page.evaluate((base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
      const clipboardData = new DataTransfer()
      clipboardData.items.add(new File([bytes], 'image.jpg', { type: 'image/jpeg' }))
      dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    }, picture)
    await status(page, '1 added')
    assert.match((await library(page))[0] ?? '', /^Pasted .*\.jpg$/)
    await context.close()
  })
})

describe('the installed site', { skip: withoutBrowser }, () => {
  let site: SiteUnderTest
  before(async () => {
    site = await startSite()
  })
  after(() => site.close())

  it('opens without a network and says so, and comes back by itself, with nothing of a person kept', async (t) => {
    // Cut in two, because what a browser is told of being offline does not reach its service workers.
    const wire = await createDatabaseProxy(site.server.address)
    t.after(() => wire.close())
    const { context, page } = await site.visit({ baseURL: new URL(wire.url).origin })
    await signedIn(site, { context, page, complaints: [] }, 'gus')
    await page.goto('/photos')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
    const kept = await page.evaluate(async () => {
      const paths: string[] = []
      let shell = ''
      for (const name of await caches.keys()) {
        const cache = await caches.open(name)
        for (const request of await cache.keys()) paths.push(new URL(request.url).pathname)
        shell ||= (await (await cache.match('/offline-shell'))?.text()) ?? ''
      }
      return { paths, shell }
    })
    assert.ok(kept.paths.length > 10, kept.paths.join(' '))
    assert.ok(!kept.paths.some((path) => /^\/(?:v1|m|u)\//.test(path)), 'no answers and no photos are kept')
    assert.ok(kept.shell.includes('id="heliograph-first">null<'))
    assert.ok(!kept.shell.includes('gus'))

    wire.cut()
    await context.setOffline(true)
    await page.goto('/albums')
    await page.getByRole('heading', { name: 'You are offline' }).waitFor()
    await shoot(page, 'offline')
    wire.mend()
    await context.setOffline(false)
    await page.getByRole('heading', { level: 1, name: 'Albums' }).waitFor()
    await context.close()
  })

  it('takes what is shared to it', async () => {
    const { context, page } = await site.visit()
    await signedIn(site, { context, page, complaints: [] }, 'hal')
    await page.goto('/photos')
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
    const picture = (await photo(90, { width: 300, height: 200 })).toString('base64')
    // As the share sheet does it: a form that navigates.
    await page.evaluate((base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
      const transfer = new DataTransfer()
      transfer.items.add(new File([bytes], 'from-phone.jpg', { type: 'image/jpeg', lastModified: 1 }))
      const form = Object.assign(document.createElement('form'), { method: 'post', action: '/share' })
      form.enctype = 'multipart/form-data'
      const input = Object.assign(document.createElement('input'), {
        type: 'file',
        name: 'files',
        files: transfer.files,
      })
      form.append(input)
      document.body.append(form)
      form.submit()
    }, picture)
    await page.getByRole('region', { name: 'Uploads' }).locator('strong', { hasText: '1 added' }).waitFor()
    assert.ok(!page.url().includes('share='))
    const answer = await context.request.get('/v1/assets')
    const { items } = (await answer.json()) as { items: { filename: string }[] }
    assert.deepEqual(
      items.map(({ filename }) => filename),
      ['from-phone.jpg'],
    )
    assert.deepEqual(await page.evaluate(async () => (await (await caches.open('heliograph-shared')).keys()).length), 0)
    await context.close()
  })
})
