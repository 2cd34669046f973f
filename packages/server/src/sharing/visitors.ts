/**
 * Who comes by a link, and how far they may go. It is asked on every request and nothing is remembered in between, so that
 * a link which was revoked, changed or is over refuses from the next request on, in every process.
 *
 * What could go wrong: telling of links that are not open (unknown, revoked, and those of accounts that are gone or
 * suspended have one answer; a locked one says that it is locked and nothing of its album), guessing of passwords (slowed
 * down by network and by link; one network alone cannot use up what a link allows in all), other sites that send a
 * visitor's cookie along, and the session of somebody who is also signed in here: it is not looked at.
 */
import { networkOf, recordFailure, requireOwnOrigin, slowDown } from '../accounts/index.ts'
import { type Attempt, type HistoryEvent, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { isLinkToken, lockOf, signAccess, verifyAccess } from './access.ts'
import type { LinkRow, SharingContext } from './context.ts'
import { linkCookie } from './link-cookie.ts'

/**
 * What a route of a link asks for. `unlock`: an open link. `play`: an open link, and a signed URL that the handler
 * verifies. The others need it unlocked, too, where it has a password; `download` and `upload` that it allows them.
 */
export type LinkNeed = 'unlock' | 'play' | 'see' | 'download' | 'upload'

export interface Visitor {
  kind: 'visitor'
  linkId: string
  token: string
  albumId: string
  /** Whose album it is, whose photos, and whose storage an upload fills. */
  ownerId: string
  hasPassword: boolean
  allowDownload: boolean
  allowUpload: boolean
  showLocation: boolean
  expiresAt: Date | null
  /** When all that is signed for this visitor must be over: with the link, or with what they unlocked it with. */
  until: Date | null
  /** Changes with the password. */
  lock: string
}

/** The parts of a request that matter here; a Fastify request is one. */
export interface VisitorRequest {
  method: string
  params: unknown
  headers: Record<string, string | string[] | undefined>
  cookies: Record<string, string | undefined>
}

export interface Unlocked {
  access: string
  expiresAt: Date
}

/** Seconds. */
const longestAccess = 12 * 3_600

/**
 * Throws `not-found` for a link that is unknown, revoked or its owner's no more, `link-expired`, `password-required`, and
 * `forbidden` for what the link does not allow.
 */
export async function admit(context: SharingContext, request: VisitorRequest, needs: LinkNeed): Promise<Visitor> {
  const link = await findOpenLink(context, tokenOf(request.params))
  const access = needs === 'unlock' || needs === 'play' ? null : unlockedUntil(context, link, request)
  if (needs === 'download' && !link.allow_download) throw problems.forbidden('This link is for looking only.')
  if (needs === 'upload' && !link.allow_upload) throw problems.forbidden('This link takes no uploads.')
  return {
    kind: 'visitor',
    linkId: link.id,
    token: link.token,
    albumId: link.album_id,
    ownerId: link.owner_id,
    hasPassword: link.password_hash !== null,
    allowDownload: link.allow_download,
    allowUpload: link.allow_upload,
    showLocation: link.show_location,
    expiresAt: link.expires_at,
    until: earlier(link.expires_at, access),
    lock: lockOf(link),
  }
}

/** Throws `invalid-credentials` for a wrong password, `too-many-requests`, or 503 when too many are checked at once. */
export async function unlock(
  context: SharingContext,
  visitor: Visitor,
  password: string,
  attempt: Attempt,
): Promise<Unlocked> {
  const { db, limiters, now } = context
  const link = await findOpenLink(context, visitor.token)
  const event: HistoryEvent = { action: 'link.unlock', objectType: 'link', objectId: link.id }
  const fromNetwork = `${link.id} ${networkOf(attempt)}`
  await slowDown(db, limiters.network, fromNetwork, attempt, event)
  await slowDown(db, limiters.link, link.id, attempt, event)
  await recordFailure(db, attempt, event, async () => {
    // One whose password was taken away meanwhile is open to anyone.
    const isRight = link.password_hash === null || (await context.passwords.verify(password, link.password_hash))
    if (!isRight) throw problems.invalidCredentials('The password is wrong.')
  })
  limiters.network.giveBack(fromNetwork)
  limiters.link.giveBack(link.id)
  await history.record(db, attempt, event)
  const longest = Math.floor(now().getTime() / 1000) + longestAccess
  const until = link.expires_at === null ? longest : Math.min(longest, Math.floor(link.expires_at.getTime() / 1000))
  return { access: signAccess(link, until), expiresAt: new Date(until * 1000) }
}

async function findOpenLink({ db, now }: SharingContext, token: string): Promise<LinkRow & { owner_id: string }> {
  const link = isLinkToken(token)
    ? await db
        .selectFrom('album_link')
        .innerJoin('album', 'album.id', 'album_link.album_id')
        .innerJoin('account', 'account.id', 'album.owner_id')
        .selectAll('album_link')
        .select('album.owner_id')
        .where('album_link.token', '=', token)
        .where('account.suspended_at', 'is', null)
        .where('account.deleted_at', 'is', null)
        .executeTakeFirst()
    : undefined
  if (link === undefined) throw noSuchLink()
  if (link.expires_at !== null && link.expires_at <= now()) {
    throw problems.linkExpired('This link is over. Ask whoever gave it to you for a new one.')
  }
  return link
}

/** Null for a link that needs no unlocking. Throws `password-required`. */
function unlockedUntil({ allowedOrigins, now }: SharingContext, link: LinkRow, request: VisitorRequest): Date | null {
  if (link.password_hash === null) return null
  const seconds = now().getTime() / 1000
  const verified = (access: string | undefined) => (access === undefined ? null : verifyAccess(link, access, seconds))
  const inHeader = verified(bearerOf(request.headers.authorization))
  if (inHeader !== null) return new Date(inHeader * 1000)
  const inCookie = verified(request.cookies[linkCookie])
  if (inCookie === null) throw problems.passwordRequired('Unlock this link with its password first.')
  requireOwnOrigin(request, allowedOrigins)
  return new Date(inCookie * 1000)
}

function bearerOf(authorization: string | string[] | undefined): string | undefined {
  return typeof authorization === 'string' ? /^Bearer +(\S+) *$/i.exec(authorization)?.[1] : undefined
}

function tokenOf(params: unknown): string {
  const token = typeof params === 'object' && params !== null && 'token' in params ? params.token : null
  return typeof token === 'string' ? token : ''
}

function earlier(one: Date | null, other: Date | null): Date | null {
  if (one === null || other === null) return one ?? other
  return one < other ? one : other
}

/** The same words whether it never was, was revoked, or belongs to somebody who is gone or suspended. */
export function noSuchLink() {
  return problems.notFound('There is no such link, or it is no longer shared.')
}
