/** Links: as the owner of an album makes them, and as a visitor without an account comes by one. */
import type { LinkChanges, LinkRequest, Page, SharedAlbum, SharedAsset, ShareLink, UnlockedLink } from './api.ts'
import { type Call, type Cancellation, cancellation, uploadCalls } from './upload-calls.ts'

export function linkCalls(call: Call) {
  const linksOf = (albumId: string) => `/v1/albums/${encodeURIComponent(albumId)}/links`
  const pathOf = (token: string) => `/v1/links/${encodeURIComponent(token)}`
  return {
    list: (albumId: string, options: Cancellation = {}) =>
      call<{ items: ShareLink[] }>('GET', linksOf(albumId), options),
    create: (albumId: string, body: LinkRequest) => call<ShareLink>('POST', linksOf(albumId), { body }),
    update: (token: string, body: LinkChanges) => call<ShareLink>('PATCH', pathOf(token), { body }),
    /** Revokes it. */
    remove: (token: string) => call<null>('DELETE', pathOf(token)),
  }
}

export type LinkClient = ReturnType<typeof visitLink>

/**
 * What a visitor may do by a link. It can be given to `createUploader`, so that guests upload with the same engine.
 * @param access what unlocking answered before; a browser has it in a cookie too.
 */
export function visitLink(origin: string, request: Call, token: string, access: string | null) {
  const root = `/v1/links/${encodeURIComponent(token)}`
  let known = access
  const call: Call = (method, path, options = {}) =>
    request(method, path, known === null ? options : { ...options, headers: { ...options.headers, ...bearer(known) } })

  return {
    /** Tells apart what is remembered of unfinished uploads. */
    baseUrl: origin + root,
    /** Throws `password-required` (401) until it is unlocked. */
    album: (options: Cancellation = {}) => call<SharedAlbum>('GET', root, options),
    /** What it answers opens the link for all calls after it, too. */
    unlock: async (password: string, options: Cancellation = {}): Promise<UnlockedLink> => {
      const unlocked = await call<UnlockedLink>('POST', `${root}/unlock`, { body: { password }, ...options })
      known = unlocked.access
      return unlocked
    },
    assets: {
      list: (query: { limit?: number; cursor?: string | null } = {}, options: Cancellation = {}) =>
        call<Page<SharedAsset>>('GET', `${root}/assets`, { query: { ...query }, ...cancellation(options) }),
      get: (id: string, options: Cancellation = {}) =>
        call<SharedAsset>('GET', `${root}/assets/${encodeURIComponent(id)}`, options),
    },
    uploads: uploadCalls(call, `${root}/uploads`),
  }
}

function bearer(access: string): Record<string, string> {
  return { authorization: `Bearer ${access}` }
}
