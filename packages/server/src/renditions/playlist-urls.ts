/**
 * URLs of playlists. The api renders a playlist for whoever holds its signed URL, since players of phones and of other
 * sites send no token. The signature is that of a file: of one below `playlists/`, where no store ever has any.
 */
import { expiryBucket, SignatureError, type Signer, type Verifier } from '@heliograph/signing'
import { problems } from '../problem.ts'
import { longestPlay } from './media.ts'

export interface PlaylistUrls {
  /** Valid for as long as a film is watched. */
  sign(assetId: string, playlist: string): Promise<string>
  /** Returns seconds the grant still lives. Throws `invalid-signature` (403) or `link-expired` (410). */
  verify(assetId: string, playlist: string, query: string): Promise<number>
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
  const keyOf = (assetId: string, playlist: string) => `playlists/${assetId}/${playlist}`
  return {
    async sign(assetId, playlist) {
      const url = await deps.signer.delivery(deps.publicUrl, {
        key: keyOf(assetId, playlist),
        type: contentType,
        disposition: 'inline',
        filename: null,
        expires: expiryBucket(deps.now().getTime() / 1000, Math.max(deps.deliveryBucket, longestPlay)),
      })
      const query = url.slice(url.indexOf('?'))
      return `${deps.publicUrl}/v1/assets/${assetId}/hls/${playlist}${query}`
    },

    async verify(assetId, playlist, query) {
      try {
        const { expires } = await deps.verifier.delivery(`/m/${keyOf(assetId, playlist)}${query}`)
        return Math.max(0, Math.floor(expires - Date.now() / 1000))
      } catch (error) {
        if (!(error instanceof SignatureError)) throw error
        throw error.reason === 'expired'
          ? problems.linkExpired('This link is over. Ask for the video again.')
          : problems.invalidSignature('This is no link that this server signed.')
      }
    },
  }
}
