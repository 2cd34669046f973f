/** Albums: one's own, and those one is a member of. */
import type {
  Album,
  AlbumAsset,
  AlbumChanges,
  AlbumDetails,
  AlbumMember,
  AlbumRequest,
  AlbumRole,
  Page,
} from './api.ts'
import { type Call, type Cancellation, cancellation } from './upload-calls.ts'

export function albumCalls(call: Call) {
  const pathOf = (id: string) => `/v1/albums/${encodeURIComponent(id)}`
  const memberPath = (id: string, handle: string) => `${pathOf(id)}/members/${encodeURIComponent(handle)}`
  return {
    /** Last changed first. `asset`: only those that show it. */
    list: (
      query: { limit?: number; cursor?: string | null; asset?: string } = {},
      options: Cancellation = {},
    ): Promise<Page<Album>> => call('GET', '/v1/albums', { query: { ...query }, ...cancellation(options) }),
    get: (id: string, options: Cancellation = {}) => call<AlbumDetails>('GET', pathOf(id), options),
    create: (body: AlbumRequest) => call<Album>('POST', '/v1/albums', { body }),
    /** For its owner. */
    update: (id: string, body: AlbumChanges) => call<Album>('PATCH', pathOf(id), { body }),
    /** What was in it stays with its owners. */
    remove: (id: string) => call<null>('DELETE', pathOf(id)),

    /** In the order of the album. */
    assets: (id: string, query: { limit?: number; cursor?: string | null } = {}, options: Cancellation = {}) =>
      call<Page<AlbumAsset>>('GET', `${pathOf(id)}/assets`, { query: { ...query }, ...cancellation(options) }),
    asset: (id: string, assetId: string, options: Cancellation = {}) =>
      call<AlbumAsset>('GET', `${pathOf(id)}/assets/${encodeURIComponent(assetId)}`, options),
    /** At most 1,000 of one's own; those in it already are not counted. */
    add: (id: string, assetIds: string[]) =>
      call<{ count: number }>('PUT', `${pathOf(id)}/assets`, { body: { assetIds } }),
    takeOut: (id: string, assetIds: string[]) => call<null>('DELETE', `${pathOf(id)}/assets`, { body: { assetIds } }),
    /** Puts them, in the order given, before an asset of the album or at its end; it is arranged by hand from then on. */
    move: (id: string, assetIds: string[], before: string | null) =>
      call<null>('POST', `${pathOf(id)}/assets/move`, { body: { assetIds, before } }),

    setMember: (id: string, handle: string, role: Exclude<AlbumRole, 'owner'>) =>
      call<AlbumMember>('PUT', memberPath(id, handle), { body: { role } }),
    /** Lets somebody out, or leaves. */
    removeMember: (id: string, handle: string) => call<null>('DELETE', memberPath(id, handle)),
  }
}
