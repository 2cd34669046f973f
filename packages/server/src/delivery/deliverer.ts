/** What every way of delivery can do; `createDelivery` chooses one and remembers what it signed. */
import type { Place } from '@heliograph/signing'
import type { Disposition } from './content-disposition.ts'

/** A file as its row names it: an asset's original, or a rendition. */
export interface Deliverable {
  object_key: string
  content_type: string
  /** Null where it has no name of its own. */
  filename: string | null
}

export interface Link {
  file: Deliverable
  disposition: Disposition
  /** Where the visitor must be; undefined for anywhere. */
  place: Place | undefined
  /** Unix seconds, the end of a bucket. */
  expires: number
}

export interface Deliverer {
  /** Most seconds a bucket may have; a URL lives up to two. */
  longestBucket: number
  /** What the URLs depend on besides the link, such as the key in use: when it changes, those remembered are old. */
  version(expires: number): string
  /** Throws `TypeError` for a place, where this deliverer cannot bind to one. */
  sign(link: Link): Promise<string>
  /** Signs once for all files under a prefix (it ends in `/`). Null where each must be signed. */
  signPrefix: ((prefix: string, expires: number) => Promise<(key: string) => string>) | null
  /** The stable URL of an object under `public/`. */
  publicUrlOf(key: string): Promise<string>
}
