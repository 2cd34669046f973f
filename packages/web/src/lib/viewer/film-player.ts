/** How a film comes into a `<video>`: as adaptive playlist where that is possible, else as one file. */
import type { Asset } from '@heliograph/client'
import workerPath from 'hls.js/dist/hls.worker.js?url'

const playlistType = 'application/vnd.apple.mpegurl'

export interface Attached {
  detach(): void
}

export type Way = 'native' | 'script' | 'file'

/** The ways there are for this film and browser, best first. Empty while nothing of it can be played. */
export function waysOf({ hls, video }: Asset['urls'], element: HTMLVideoElement): Way[] {
  const native = hls !== null && element.canPlayType(playlistType) !== ''
  const script = hls !== null && ('MediaSource' in window || 'ManagedMediaSource' in window)
  return [
    ...(native ? (['native'] as const) : []),
    ...(script ? (['script'] as const) : []),
    ...(video !== null ? (['file'] as const) : []),
  ]
}

/** `onfatal` when it can not go on this way; the element itself tells with `error` for those it plays by itself. */
export async function attach(
  way: Way,
  urls: Asset['urls'],
  element: HTMLVideoElement,
  onfatal: () => void,
): Promise<Attached> {
  const url = way === 'file' ? urls.video : urls.hls
  if (url === null) throw new TypeError('There is no such file of this film')
  if (way !== 'script') {
    element.src = url
    return { detach: () => release(element) }
  }
  const { default: Hls } = await import('hls.js/light')
  const player = new Hls({
    enableWorker: true,
    // From here, so that the policy of the page need not allow workers out of strings.
    workerPath: new URL(workerPath, location.href).href,
    // Not sharper than the screen shows it, and not the whole film ahead.
    capLevelToPlayerSize: true,
    maxBufferLength: 30,
    backBufferLength: 30,
  })
  player.on(Hls.Events.ERROR, (_event, { fatal }) => {
    if (fatal) onfatal()
  })
  player.loadSource(url)
  player.attachMedia(element)
  return {
    detach() {
      player.destroy()
      release(element)
    },
  }
}

/** Ends the download and lets go of what is decoded. */
function release(element: HTMLVideoElement): void {
  element.pause()
  element.removeAttribute('src')
  element.load()
}
