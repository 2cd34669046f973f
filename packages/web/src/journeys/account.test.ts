/** What somebody does with their own account, from the first page to its end. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { narrow, type SiteUnderTest, shoot, signedIn, startSite, withoutBrowser } from './testing/browser.ts'
import { photo } from './testing/photos.ts'

describe('an account', { skip: withoutBrowser }, () => {
  let site: SiteUnderTest
  before(async () => {
    site = await startSite()
  })
  after(() => site.close())

  test('is made with what is known to be free, and leads nowhere but into this site', async () => {
    const { page, context, complaints } = await site.visit(narrow)
    await page.goto('/sign-up?next=//evil.example/')
    await page.getByText('You are the first one here').waitFor()
    await page.getByLabel('Name', { exact: true }).fill('Zoë Ångström')
    assert.equal(await page.getByLabel('Handle').inputValue(), 'zoe.angstrom')
    await page.getByText('@zoe.angstrom is free.').waitFor()
    await page.getByLabel('Email').fill('zoe@example.org')
    await page.getByLabel('Password', { exact: true }).fill('short')
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.getByText('The password needs at least 8 characters.').waitFor()
    await page.getByLabel('Password', { exact: true }).fill('correct horse battery')
    await page.getByText('Strong').waitFor()
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.waitForURL((url) => url.pathname === '/photos')

    await page.goto('/sign-in?next=/%5Cevil.example')
    await page.waitForURL((url) => url.pathname === '/photos')
    assert.equal(new URL(page.url()).origin, new URL(site.server.address).origin)
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('shows a picture of one’s own, makes and revokes tokens, and keeps the dark as it was chosen', async () => {
    const visit = await site.visit()
    const { page, context, complaints } = visit
    await signedIn(site, visit, 'grace')
    await page.goto('/account')
    await page.locator('input[type=file][accept^="image"]').setInputFiles({
      name: 'me.jpg',
      mimeType: 'image/jpeg',
      buffer: await photo(3, { width: 800, height: 600 }),
    })
    await page.getByText('Your picture is changed.').waitFor()
    await page.waitForFunction(
      () =>
        [...document.querySelectorAll<HTMLImageElement>('.avatar img')].filter((one) => one.naturalWidth > 0).length >=
        2,
    )

    await page.getByRole('button', { name: 'New token' }).click()
    await page.getByLabel('What is it for?').fill('Backup')
    await page.getByRole('button', { name: 'Create token' }).click()
    const token = await page.getByRole('textbox', { name: 'Backup' }).inputValue()
    assert.match(token, /^hgp_/)
    await page.getByRole('button', { name: 'Done' }).click()
    assert.ok(!(await page.content()).includes(token), 'it is shown once')
    await page.getByRole('button', { name: 'Revoke: Backup' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('No tokens yet.').waitFor()

    await page.getByRole('radio', { name: 'Dark' }).check()
    await page.addInitScript(() => {
      // What the very first picture of the page is made with.
      new PerformanceObserver((_list, observer) => {
        observer.disconnect()
        sessionStorage.setItem('first-theme', document.documentElement.dataset.theme ?? 'none')
      }).observe({ type: 'paint' })
    })
    await page.reload()
    await page.waitForFunction(() => sessionStorage.getItem('first-theme') !== null)
    assert.equal(await page.evaluate(() => sessionStorage.getItem('first-theme')), 'dark')
    await shoot(page, 'account-dark')
    assert.deepEqual(complaints, [])
    await context.close()
  })

  test('is left everywhere at once, opened again, and deleted by whoever types its name', async () => {
    const [here, there] = [await site.visit(), await site.visit()]
    const { handle, email, password } = await signedIn(site, here, 'joan')
    const { page } = here
    await there.page.goto('/sign-in?next=/account')
    await there.page.getByLabel('Email').fill(email)
    await there.page.getByLabel('Password', { exact: true }).fill('wrong horse battery')
    await there.page.getByRole('button', { name: 'Sign in' }).click()
    await there.page.getByRole('alert').waitFor()
    await there.page.getByLabel('Password', { exact: true }).fill(password)
    await there.page.getByRole('button', { name: 'Sign in' }).click()
    await there.page.getByRole('heading', { name: 'Account', exact: true }).waitFor()

    await page.goto('/account')
    await page.getByRole('button', { name: 'Sign out everywhere' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click()
    await page.waitForURL((url) => url.pathname === '/sign-in')
    await there.page.goto('/account')
    await there.page.waitForURL((url) => url.pathname === '/sign-in' && url.searchParams.get('next') === '/account')

    await there.page.getByLabel('Email').fill(email)
    await there.page.getByLabel('Password', { exact: true }).fill(password)
    await there.page.getByRole('button', { name: 'Sign in' }).click()
    await there.page.getByRole('button', { name: 'Delete account' }).click()
    const last = there.page.getByRole('button', { name: 'Delete everything for good' })
    assert.ok(await last.isDisabled(), 'not before the handle is typed')
    await there.page.getByLabel('Type your handle').fill(handle)
    await last.click()
    await there.page.waitForURL((url) => url.pathname === '/sign-in')
    assert.deepEqual([...here.complaints, ...there.complaints], [])
    await here.context.close()
    await there.context.close()
  })
})

test('closed registration is told before anything is typed', { skip: withoutBrowser }, async () => {
  const site = await startSite({ REGISTRATION: 'closed' })
  try {
    await signedIn(site, await site.visit(), 'ada')
    const { page } = await site.visit(narrow)
    await page.goto('/sign-up')
    await page.getByRole('heading', { name: 'Registration is closed' }).waitFor()
    assert.equal(await page.locator('input').count(), 0)
  } finally {
    await site.close()
  }
})
