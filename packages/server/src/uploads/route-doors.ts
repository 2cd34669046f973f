/**
 * The doors by which the routes of uploads are reached: accounts send into their own library, guests by a link into the
 * album of its owner. The routes are the same; only who is let in, whose storage it fills and what is shown differs.
 */

import type { FastifyRequest } from 'fastify'
import { type TObject, Type } from 'typebox'
import type { Asset, AssetRow, Presenter } from '../assets/index.ts'
import { actorOf, type Policy, visitorOf } from '../http/policy.ts'
import type { Visitor } from '../sharing/index.ts'
import type { Sender } from './context.ts'

export interface UploadDoor {
  /** What comes before `/uploads`. */
  prefix: string
  /** The parameters in it. */
  params: TObject
  tag: string
  /** Operations need names of their own. */
  nameOf(operation: string): string
  policy(owns?: 'upload'): Policy
  senderOf(request: FastifyRequest): Sender
  /** The album that everything goes into; null where the sender says which. */
  albumOf(request: FastifyRequest): string | null
  present(request: FastifyRequest, asset: AssetRow): Promise<Asset>
}

export function accountDoor(presenter: Presenter): UploadDoor {
  return {
    prefix: '/v1',
    params: Type.Object({}),
    tag: 'Uploads',
    nameOf: (operation) => operation,
    policy: (owns) => ({ access: 'account', scope: 'uploads:write', ...(owns === undefined ? {} : { owns }) }),
    senderOf: (request) => ({ ownerId: actorOf(request).accountId, linkId: null }),
    albumOf: () => null,
    present: (_request, asset) => presenter.one(asset),
  }
}

/** `present` shows an asset as the link does. */
export function guestDoor(present: (visitor: Visitor, asset: AssetRow) => Promise<Asset>): UploadDoor {
  return {
    prefix: '/v1/links/:token',
    params: Type.Object({ token: Type.String() }),
    tag: 'Links',
    nameOf: (operation) => operation.replace(/^[a-z]+/, (verb) => `${verb}Guest`),
    policy: () => ({ access: 'link', needs: 'upload' }),
    senderOf(request) {
      const { ownerId, linkId } = visitorOf(request)
      return { ownerId, linkId }
    },
    albumOf: (request) => visitorOf(request).albumId,
    present: (request, asset) => present(visitorOf(request), asset),
  }
}
