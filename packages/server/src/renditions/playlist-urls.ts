/**
 * URLs of playlists. The api renders a playlist for whoever holds its signed URL, since players of phones and of other
 * sites send no token. The signature is that of a file: of one below `playlists/`, where no store ever has any.
 */
import { expiryBucket, SignatureError, type Signer, type Verifier } from '@heliograph/signing'
import { problems } from '../problem.ts'
import { longestPlay } from './media.ts'

/** A link by which somebody without an account watches: its playlists open nothing of another one. */
export interface PlaylistLink {
  id: string
  token: string
  /** Changes with the password of the link, and what was signed before is void. */
  lock: string
}

/** Whose playlists these are; `link` is null for whoever has the URLs of the owner. */
export interface PlaylistsOf {
  assetId: string
  link: PlaylistLink | null
}

export interface PlaylistUrls {
  /** Of a playlist, or of a file that one names. Valid for as long as a film is watched, and not beyond `until`. */
  sign(of: PlaylistsOf, file: string, until?: Date | null): Promise<string>
  /** Returns when the grant is over. Throws `invalid-signature` (403) or `link-expired` (410). */
  verify(of: PlaylistsOf, file: string, query: string): Promise<Date>
}

export interface PlaylistUrlDeps {
  signer: Signer
  verifier: Verifier
  /** Read at each signing: a free port is known late. */
  readonly publicUrl: string
  /** Seconds. */
  deliveryBucket: number
  now: () => Date
}

const contentType = 'application/vnd.apple.mpegurl'

export function createPlaylistUrls(deps: PlaylistUrlDeps): PlaylistUrls {
  return {
    async sign(of, file, until = null) {
      const bucket = expiryBucket(deps.now().getTime() / 1000, Math.max(deps.deliveryBucket, longestPlay))
      const url = await deps.signer.delivery(deps.publicUrl, {
        key: keyOf(of, file),
        type: contentType,
        disposition: 'inline',
        filename: null,
        expires: until === null ? bucket : Math.min(bucket, Math.floor(until.getTime() / 1000)),
      })
      return `${deps.publicUrl}${pathOf(of, file)}${url.slice(url.indexOf('?'))}`
    },

    async verify(of, file, query) {
      try {
        const { expires } = await deps.verifier.delivery(`/m/${keyOf(of, file)}${query}`)
        return new Date(expires * 1000)
      } catch (error) {
        if (!(error instanceof SignatureError)) throw error
        throw error.reason === 'expired'
          ? problems.linkExpired('This link is over. Ask for the video again.')
          : problems.invalidSignature('This is no link that this server signed.')
      }
    },
  }
}

function keyOf({ assetId, link }: PlaylistsOf, file: string): string {
  return link === null ? `playlists/${assetId}/${file}` : `playlists/links/${link.id}/${link.lock}/${assetId}/${file}`
}

function pathOf({ assetId, link }: PlaylistsOf, file: string): string {
  return link === null ? `/v1/assets/${assetId}/hls/${file}` : `/v1/links/${link.token}/assets/${assetId}/hls/${file}`
}
