/**
 * What visitors see. URLs that are signed for them live in short buckets and never beyond the link or what it was unlocked
 * with: a link that is closed has closed all of its files minutes later, one that ends has in that second.
 */
import type { Asset, AssetRow, AssetUrls, Presenter } from '../assets/index.ts'
import type { Deliverable } from '../delivery/index.ts'
import type { Visitor } from './visitors.ts'

/** Most seconds of a bucket; a URL lives up to two. */
export const visitorBucket = 300

export interface LinkPresenterDeps {
  presenter: Pick<Presenter, 'forOthers'>
  /** Signs in buckets of at most `visitorBucket`, and not beyond `until`. */
  urlOf(file: Deliverable, until: Date | null): Promise<string>
  playlistUrl(visitor: Visitor, assetId: string): Promise<string>
}

export interface LinkPresenter {
  assets(visitor: Visitor, rows: AssetRow[]): Promise<Asset[]>
  asset(visitor: Visitor, row: AssetRow): Promise<Asset>
  urlOf(visitor: Visitor, file: Deliverable): Promise<string>
}

export function createLinkPresenter({ presenter, urlOf, playlistUrl }: LinkPresenterDeps): LinkPresenter {
  function urlsFor(visitor: Visitor): AssetUrls {
    const sign = (file: Deliverable) => urlOf(file, visitor.until)
    return { urlOf: sign, playUrlOf: sign, playlistUrl: (assetId) => playlistUrl(visitor, assetId) }
  }

  function assets(visitor: Visitor, rows: AssetRow[]): Promise<Asset[]> {
    return presenter.forOthers(rows, {
      location: visitor.showLocation,
      originals: visitor.allowDownload,
      urls: urlsFor(visitor),
    })
  }

  return {
    assets,
    async asset(visitor, row) {
      const [asset] = await assets(visitor, [row])
      if (asset === undefined) throw new RangeError('One asset became none')
      return asset
    },
    urlOf: (visitor, file) => urlOf(file, visitor.until),
  }
}
