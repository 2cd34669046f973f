/** The grid of photos, as tests find their way in it. */
import type { Locator, Page } from 'playwright-core'

export function tiles(page: Page): Locator {
  return page.locator('main [data-id]')
}

/** Until so many photos are shown, each with its picture. */
export async function everyPictureShows(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    (wanted) =>
      [...document.querySelectorAll<HTMLImageElement>('main [data-id] img')].filter((image) => image.naturalWidth > 0)
        .length === wanted,
    count,
  )
}

export async function waitForCount(page: Page, count: number): Promise<void> {
  await page.waitForFunction((wanted) => document.querySelectorAll('main [data-id]').length === wanted, count)
}

export async function select(page: Page, index: number): Promise<void> {
  const tile = tiles(page).nth(index)
  await tile.hover()
  await tile.getByRole('checkbox').click()
}

/** By a long press, as on a phone, where no circle shows before. */
export async function longPress(page: Page, index: number): Promise<void> {
  const box = await tiles(page).nth(index).boundingBox()
  if (box === null) throw new Error(`The photo ${index} is not on the screen`)
  const session = await page.context().newCDPSession(page)
  const point = { x: box.x + box.width / 2, y: box.y + box.height / 2 }
  await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [point] })
  await page.getByRole('toolbar').or(page.getByText('1 selected')).first().waitFor()
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
  await session.detach()
}
