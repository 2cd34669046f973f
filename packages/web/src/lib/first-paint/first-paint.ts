/**
 * Shows the first photos as soon as the page has arrived, while the site itself is still on its way: they stand where the grid
 * will put them, and go when it has (`lib/first-paint/hand-over.ts`). The build bundles this into the page, where it runs once.
 */
import type { FirstData } from '../first-data.ts'
import { pictureOf } from '../grid/picture.ts'
import { placeFirst } from './place.ts'

function paint(root: HTMLElement): void {
  const { timeline } = (JSON.parse(document.getElementById('heliograph-first')?.textContent ?? 'null') ??
    {}) as FirstData
  const first = timeline?.first
  const { pathname, search } = location
  if (first === undefined || search !== '' || !['/', '/photos'].includes(pathname)) return
  // Somebody who comes back or loads again is taken to where they were, which may be far down.
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  if (navigation?.type !== 'navigate') return
  const count = timeline?.months.find(({ month }) => month === first.month)?.count ?? first.items.length
  // Of the body: the root element does not yet count what is kept for the scroll bar.
  const pageWidth = document.body.clientWidth
  const screen = { width: innerWidth, height: innerHeight, pageWidth }
  for (const { item, left, top, width, height } of placeFirst({ ...first, count }, screen)) {
    const picture = pictureOf(item)
    if (picture === null) continue
    const image = new Image()
    // Before the address, or the browser would choose without them.
    if (picture.sizes !== undefined) image.sizes = picture.sizes
    if (picture.srcset !== undefined) image.srcset = picture.srcset
    image.src = picture.src
    image.alt = ''
    image.fetchPriority = 'high'
    Object.assign(image.style, {
      position: 'absolute',
      left: `${left}px`,
      top: `${top}px`,
      width: `${width}px`,
      height: `${height}px`,
      objectFit: 'cover',
      borderRadius: '3px',
    })
    root.append(image)
  }
}

const root = document.getElementById('first-paint')
if (root !== null) paint(root)
