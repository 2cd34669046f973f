/**
 * Where photos are swiped and zoomed. PhotoSwipe does gestures, springs and the three slides that exist at a time; what is
 * on a slide is a component of ours, and so are all controls. See docs/decisions/0044-viewer.md.
 */
import PhotoSwipe, { type Bounds } from 'photoswipe'
import 'photoswipe/dist/photoswipe.css'
import { type Component, mount, unmount } from 'svelte'
import type { TimelineItem } from '../grid/item.ts'
import { wantsLittleMotion } from './abilities.ts'
import type { Box } from './picture-source.ts'

type Content = NonNullable<PhotoSwipe['currSlide']>['content']

/** One of the slides near the screen, for its component. */
export class Slide {
  /** Null until it is known what is at this place. */
  item = $state.raw<TimelineItem | null>(null)
  isActive = $state(false)
  /** CSS pixels across, zoom included. */
  across = $state(0)
  /** What moves on it, as it wishes to be controlled; null for what stands still. */
  moving = $state.raw<Moving | null>(null)
}

export interface Moving {
  kind: 'film' | 'motion' | 'animation'
  isOn: boolean
  toggle: () => void
}

export interface SlideProps<Shared> {
  slide: Slide
  /** How large it turned out to be. */
  onbox: (box: Box) => void
  shared: Shared
}

export interface StageOptions<Shared> {
  host: HTMLElement
  index: number
  length: () => number
  /** What is at a position, as far as that is known; asks for it otherwise and calls `arrived` later. */
  itemAt: (index: number) => TimelineItem | null
  /** Size at full zoom, as far as it is known. */
  boxAt: (item: TimelineItem) => Box
  /** Where it is in the page behind, to grow from there and shrink into it again. */
  tileOf: (item: TimelineItem) => DOMRect | null
  component: Component<SlideProps<Shared>>
  /** Given to each slide. */
  shared: Shared
  onactive: (slide: Slide) => void
  /** Whether nothing of the page behind is seen. */
  oncover: (isCovered: boolean) => void
  onmove: (index: number) => void
  /** A gesture wants to close, and the picture is on its way out. */
  onclosing: () => void
  onclosed: () => void
  /** A press on the picture that is not a zoom. */
  ontap: () => void
}

export type Stage = ReturnType<typeof createStage>

/** Seconds of an image growing out of its tile would be felt as waiting; milliseconds. */
const growing = 240
const zoomStep = 1.5
/** Milliseconds. */
const doublePress = 400
/** PhotoSwipe tells of a tap only once it is sure that no second one follows. */
const longPress = 350 + doublePress
/** Pixels at the lower edge of a film that belong to its own controls. */
const filmControls = 84

export function createStage<Shared>(options: StageOptions<Shared>) {
  const { host, itemAt } = options
  const slides = new Map<Content, { slide: Slide; component: Record<string, unknown>; element: HTMLElement }>()

  let lastPress = Number.NEGATIVE_INFINITY
  let pressedAt = Number.NEGATIVE_INFINITY
  let covering: ReturnType<typeof setInterval> | undefined
  /** What was asked for while it was still opening. */
  const waiting: (() => void)[] = []

  const pswp = new PhotoSwipe({
    index: options.index,
    appendToEl: host,
    mainClass: 'viewer-stage',
    bgOpacity: 1,
    spacing: 0.06,
    loop: false,
    wheelToZoom: true,
    // All of this is the viewer's own.
    escKey: false,
    arrowKeys: false,
    trapFocus: false,
    returnFocus: false,
    arrowPrev: false,
    arrowNext: false,
    zoom: false,
    close: false,
    counter: false,
    clickToCloseNonZoomable: false,
    preload: [1, 1],
    showAnimationDuration: growing,
    hideAnimationDuration: growing,
    zoomAnimationDuration: growing,
    showHideAnimationType: wantsLittleMotion() ? 'none' : 'zoom',
    secondaryZoomLevel: ({ fit }) => Math.max(fit * 2, Math.min(1, fit * 3)),
    maxZoomLevel: ({ fit }) => Math.max(1, fit * 4),
    getViewportSizeFn: () => ({ x: host.clientWidth, y: host.clientHeight }),
    imageClickAction: (point, { timeStamp }) => {
      if (startsFilm()) return
      // The second press of those who press twice would undo the first.
      if (timeStamp - lastPress > doublePress) pswp.currSlide?.toggleZoom(point)
      lastPress = timeStamp
    },
    bgClickAction: () => pswp.close(),
    tapAction: () => {
      // A finger that rested on a Live Photo has played it, and wanted nothing else.
      if (performance.now() - pressedAt < longPress && !startsFilm()) options.ontap()
    },
    doubleTapAction: 'zoom',
  })

  pswp.addFilter('numItems', () => options.length())
  pswp.addFilter('itemData', (_data, index) => {
    const item = itemAt(index)
    return { type: 'asset', item, ...(item === null ? { width: 1, height: 1 } : options.boxAt(item)) }
  })
  pswp.addFilter('isContentZoomable', (_is, content) => slides.get(content as Content)?.slide.item?.kind === 'image')
  // Lets the first slide grow out of its tile; what is seen growing is the slide itself.
  pswp.addFilter('useContentPlaceholder', (_is, content) => (content as Content).slide?.isFirstSlide === true)
  pswp.addFilter('placeholderSrc', () => false)
  pswp.addFilter('thumbBounds', (_bounds, data) => {
    const item = data.item as TimelineItem | null | undefined
    const tile = item === null || item === undefined ? null : options.tileOf(item)
    // Without a tile there is none, which its types forget.
    return (tile === null ? undefined : { x: tile.x, y: tile.y, w: tile.width }) as Bounds
  })

  pswp.on('contentLoad', (event) => {
    event.preventDefault()
    const { content } = event
    if (slides.has(content)) return
    const slide = new Slide()
    slide.item = (content.data.item as TimelineItem | null | undefined) ?? null
    const element = document.createElement('div')
    // PhotoSwipe knows by this name what is zoomed by a press.
    element.className = 'viewer-slide pswp__img'
    content.element = element
    const component = mount(options.component, {
      target: element,
      props: { slide, onbox: (box: Box) => resize(content, box), shared: options.shared },
    })
    slides.set(content, { slide, component, element })
    // Now, and not when the opening is over: it is what opens.
    if (content.slide?.isFirstSlide === true) content.slide.container.append(element)
  })
  pswp.on('contentResize', ({ content, width }) => {
    const shown = slides.get(content)
    if (shown !== undefined) shown.slide.across = width
  })
  pswp.on('contentActivate', ({ content }) => setActive(content, true))
  pswp.on('contentDeactivate', ({ content }) => setActive(content, false))
  pswp.on('contentDestroy', ({ content }) => release(content))
  pswp.on('keydown', (event) => event.preventDefault())
  pswp.on('pointerDown', (event) => {
    const { originalEvent } = event
    pressedAt = performance.now()
    const { target } = originalEvent
    if (!(target instanceof Element)) return
    const isControl = target.closest('button, a') !== null
    const film = target.closest('video[controls]')
    const isOnControls =
      film !== null &&
      (originalEvent.pointerType === 'mouse' ||
        originalEvent.clientY > film.getBoundingClientRect().bottom - filmControls)
    if (isControl || isOnControls) event.preventDefault()
  })
  pswp.on('change', () => {
    forgetFar()
    options.onmove(pswp.currIndex)
  })
  pswp.on('openingAnimationEnd', () => options.oncover(true))
  pswp.on('verticalDrag', uncover)
  pswp.on('pinchClose', uncover)
  pswp.on('close', () => {
    clearInterval(covering)
    options.oncover(false)
    for (const { slide } of slides.values()) slide.isActive = false
    options.onclosing()
  })
  pswp.on('destroy', () => {
    options.onclosed()
    queueMicrotask(() => {
      for (const content of [...slides.keys()]) release(content)
    })
  })

  /**
   * Until the first slide has grown out of its tile there are no others: PhotoSwipe would move on to nothing, and not close
   * at all.
   */
  function onceOpen(act: () => void): void {
    if (pswp.opener.isOpening) waiting.push(act)
    else act()
  }

  /** A press on the poster of a film is meant for the film. */
  function startsFilm(): boolean {
    const moving = pswp.currSlide === undefined ? null : slides.get(pswp.currSlide.content)?.slide.moving
    if (moving?.kind !== 'film' || moving.isOn) return false
    moving.toggle()
    return true
  }

  /** Until what was dragged has sprung back. */
  function uncover(): void {
    options.oncover(false)
    clearInterval(covering)
    covering = setInterval(() => {
      if (pswp.bgOpacity < 1) return
      clearInterval(covering)
      options.oncover(true)
    }, 200)
  }

  function setActive(content: Content, isActive: boolean): void {
    const shown = slides.get(content)
    if (shown === undefined) return
    shown.slide.isActive = isActive
    if (isActive) options.onactive(shown.slide)
  }

  function release(content: Content): void {
    const shown = slides.get(content)
    if (shown === undefined) return
    slides.delete(content)
    void unmount(shown.component)
    shown.element.remove()
  }

  /** PhotoSwipe keeps some more, each with a decoded image. */
  function forgetFar(): void {
    for (const content of [...slides.keys()]) {
      if (Math.abs(content.index - pswp.currIndex) <= 1 || content.hasSlide) continue
      pswp.contentLoader.removeByIndex(content.index)
      content.destroy()
    }
  }

  function resize(content: Content, box: Box): void {
    if (content.width === box.width && content.height === box.height) return
    Object.assign(content, box)
    Object.assign(content.data, box)
    const { slide } = content
    if (slide === undefined || !content.hasSlide) return
    Object.assign(slide, box)
    // While it grows or shrinks, its size is the animation's.
    if (pswp.opener.isOpening || pswp.opener.isClosing) {
      pswp.on('openingAnimationEnd', () => slide.resize())
      return
    }
    slide.resize()
  }

  function renew(index: number): void {
    const old = [...slides.keys()].find((content) => content.index === index)
    pswp.refreshSlideContent(index)
    if (old !== undefined) old.destroy()
  }

  const observer = new ResizeObserver(() => pswp.updateSize())

  return {
    open(): void {
      pswp.init()
      // A dialog has one name and one set of landmarks: those of the viewer.
      for (const element of [pswp.element, pswp.scrollWrap]) {
        element?.removeAttribute('role')
        element?.removeAttribute('aria-roledescription')
        element?.removeAttribute('tabindex')
      }
      observer.observe(host)
      // After PhotoSwipe's own, which brings the slides beside.
      pswp.on('openingAnimationEnd', () => {
        queueMicrotask(() => {
          for (const act of waiting.splice(0)) act()
        })
      })
    },
    close: () => onceOpen(() => pswp.close()),
    destroy(): void {
      observer.disconnect()
      pswp.destroy()
    },
    next: () => onceOpen(() => pswp.next()),
    previous: () => onceOpen(() => pswp.prev()),
    get index() {
      return pswp.currIndex
    },
    get isClosing() {
      return pswp.isDestroying
    },
    /** What is at a position is known now. */
    arrived(index: number): void {
      if ([...slides.entries()].some(([content, { slide }]) => content.index === index && slide.item === null))
        renew(index)
    },
    /** An item looks different now: became ready, or a favourite. */
    updated(item: TimelineItem): void {
      for (const { slide } of slides.values()) if (slide.item?.id === item.id) slide.item = item
    },
    /** The sequence changed around it: what is shown now is at `index`, or, with `isOther`, something else is shown. */
    moved(index: number, isOther: boolean): void {
      const before = pswp.currIndex
      const current = pswp.currSlide
      pswp.currIndex = index
      pswp.potentialIndex = index
      if (current === undefined) return
      for (const content of [...slides.keys()]) {
        pswp.contentLoader.removeByIndex(content.index)
        if (content !== current.content && !content.hasSlide) content.destroy()
      }
      current.index = index
      current.content.index = index
      if (isOther) renew(index)
      else pswp.contentLoader.addToCache(current.content)
      if (before !== index || isOther) {
        for (const near of [index - 1, index + 1]) renewBeside(near)
      }
    },
    zoomIn: () => onceOpen(() => zoomBy(zoomStep)),
    zoomOut: () => onceOpen(() => zoomBy(1 / zoomStep)),
    /** Whether it can be brought nearer, and put back. */
    zoomRange(): { canIn: boolean; canOut: boolean } {
      const slide = pswp.currSlide
      if (slide === undefined || !slide.isZoomable()) return { canIn: false, canOut: false }
      const { min, max } = slide.zoomLevels
      return { canIn: slide.currZoomLevel < max * 0.999, canOut: slide.currZoomLevel > min * 1.001 }
    },
    onzoom(listener: () => void): void {
      pswp.on('zoomPanUpdate', listener)
      pswp.on('change', listener)
    },
  }

  /** The slides beside the current one, whose positions have changed. */
  function renewBeside(index: number): void {
    const holder = pswp.mainScroll.itemHolders[index < pswp.currIndex ? 0 : 2]
    if (holder === undefined) return
    const old = holder.slide?.content
    pswp.setContent(holder, index, true)
    if (old !== undefined) old.destroy()
  }

  function zoomBy(factor: number): void {
    const slide = pswp.currSlide
    if (slide === undefined || !slide.isZoomable()) return
    const { min, max } = slide.zoomLevels
    const level = Math.min(max, Math.max(min, slide.currZoomLevel * factor))
    slide.zoomTo(level, undefined, wantsLittleMotion() ? 0 : growing / 2)
  }
}
