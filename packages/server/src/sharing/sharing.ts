/** The links of albums: everything that routes and the door may do with them. */
import { createLimiter } from '../accounts/index.ts'
import type { Attempt } from '../history/index.ts'
import type { LinkLimiters, LinkRow, SharingContext } from './context.ts'
import { createLink, deleteLink, type LinkFields, listLinks, updateLink } from './links.ts'
import { admit, type LinkNeed, type Unlocked, unlock, type Visitor, type VisitorRequest } from './visitors.ts'

export type SharingDeps = Omit<SharingContext, 'limiters'> & { limiters?: LinkLimiters }

export interface Sharing {
  /** Lets somebody in who comes by the link in the path of the request, as far as the route needs it, or throws. */
  admit(request: VisitorRequest, needs: LinkNeed): Promise<Visitor>
  unlock(visitor: Visitor, password: string, attempt: Attempt): Promise<Unlocked>

  list(ownerId: string, albumId: string): Promise<LinkRow[]>
  create(attempt: Attempt, ownerId: string, albumId: string, fields: LinkFields): Promise<LinkRow>
  update(attempt: Attempt, ownerId: string, token: string, changes: Partial<LinkFields>): Promise<LinkRow>
  delete(attempt: Attempt, ownerId: string, token: string): Promise<void>
}

export function createSharing(deps: SharingDeps): Sharing {
  const context: SharingContext = { ...deps, limiters: deps.limiters ?? defaultLimiters(deps.now) }
  return {
    admit: (request, needs) => admit(context, request, needs),
    unlock: (visitor, password, attempt) => unlock(context, visitor, password, attempt),
    list: (ownerId, albumId) => listLinks(context, ownerId, albumId),
    create: (attempt, ownerId, albumId, fields) => createLink(context, attempt, ownerId, albumId, fields),
    update: (attempt, ownerId, token, changes) => updateLink(context, attempt, ownerId, token, changes),
    delete: (attempt, ownerId, token) => deleteLink(context, attempt, ownerId, token),
  }
}

/**
 * Generous to a wedding party on one network. A link refills faster than a network does, so that whoever guesses from one
 * network leaves some tries to everybody else.
 */
function defaultLimiters(now: () => Date): LinkLimiters {
  return {
    network: createLimiter({ burst: 10, refillSeconds: 30, now }),
    link: createLimiter({ burst: 50, refillSeconds: 10, now }),
  }
}
