/**
 * The record of every attempt, failures above all: who, what, from which network, over which way, how long, how it
 * ended. A success is written in the transaction that makes it true; a failure left no transaction and is written on its
 * own. Its pipelines (change data capture, dashboards) read this table.
 */
import ipaddr from 'ipaddr.js'
import type { QueryCreator } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import type { Db, Tx } from '../engines/database/database.ts'
import type { Database } from '../engines/database/schema.ts'
import { isProblem } from '../problem.ts'

export type HistoryAction =
  | 'account.register'
  | 'account.update'
  | 'account.delete'
  | 'session.create'
  | 'session.delete'
  | 'token.create'
  | 'token.delete'
  | 'upload.plan'
  | 'upload.part'
  | 'upload.complete'
  | 'upload.abort'
  | 'upload.expire'
  | 'asset.update'
  | 'asset.trash'
  | 'asset.restore'
  | 'asset.purge'
  | 'asset.process'
  | 'asset.download'
  | 'album.create'
  | 'album.update'
  | 'album.delete'
  | 'album.add'
  | 'album.remove'
  | 'member.add'
  | 'member.remove'
  | 'link.create'
  | 'link.update'
  | 'link.delete'
  | 'link.unlock'
  | 'link.download'
  | 'link.upload'

/** Who does it and over which way: the part of an event that a request knows before anything happened. */
export interface Attempt {
  actorId: string | null
  /** Full address; truncated before it is kept. Null for the worker. */
  address: string | null
  /** How the bytes or the call came: `https`, `direct`, `stream`, `tus`, `uppy`, `job`. */
  protocol: string
  /** Name of the edge or endpoint, null when it was the api itself. */
  endpoint: string | null
  /** From 1. */
  attempt: number
}

export interface HistoryEvent {
  action: HistoryAction
  objectType?: 'account' | 'upload' | 'asset' | 'token' | 'link' | 'album' | 'member'
  /** Of a member: `<album>/<account>`. */
  objectId?: string
  /** Bytes. */
  size?: number | null
  contentType?: string | null
  /** Milliseconds by phase, for example `{ verify: 3.1, commit: 1.2 }`. */
  phases?: Record<string, number>
  /** Present when it failed: the problem code, or the name of the error. */
  errorClass?: string
}

export const history = {
  async record(tx: Tx | Db, attempt: Attempt, event: HistoryEvent): Promise<void> {
    await history.recording(tx, attempt, event).execute()
  },

  /** The statement that records, to be part of a larger one. */
  recording(queries: Pick<QueryCreator<Database>, 'insertInto'>, attempt: Attempt, event: HistoryEvent) {
    return queries.insertInto('history_event').values(toRow(attempt, event))
  },

  async recordAll(tx: Tx | Db, events: { attempt: Attempt; event: HistoryEvent }[]): Promise<void> {
    if (events.length === 0) return
    await tx
      .insertInto('history_event')
      .values(events.map(({ attempt, event }) => toRow(attempt, event)))
      .execute()
  },
}

/** The name under which a failure is counted: a problem's code, else the error's class and code (`ObjectStoreError:full`). */
export function errorClass(error: unknown): string {
  if (isProblem(error)) return error.code
  if (!(error instanceof Error)) return typeof error
  return 'code' in error && typeof error.code === 'string' ? `${error.name}:${error.code}` : error.name
}

/** The worker, acting for nobody or for the owner of what it works on. */
export function jobAttempt(actorId: string | null, attempt = 1): Attempt {
  return { actorId, address: null, protocol: 'job', endpoint: null, attempt }
}

/** IPv4 to its /24, IPv6 to its /48, in CIDR notation; null for what is no address. */
export function truncateAddress(address: string | null): string | null {
  if (address === null || !ipaddr.isValid(address)) return null
  const parsed = ipaddr.process(address)
  const bits = parsed.kind() === 'ipv4' ? 24 : 48
  const network =
    parsed.kind() === 'ipv4'
      ? ipaddr.IPv4.networkAddressFromCIDR(`${parsed}/24`)
      : ipaddr.IPv6.networkAddressFromCIDR(`${parsed}/48`)
  return `${network}/${bits}`
}

function toRow(attempt: Attempt, event: HistoryEvent) {
  return {
    id: uuidv7(),
    actor_id: attempt.actorId,
    action: event.action,
    object_type: event.objectType ?? null,
    object_id: event.objectId ?? null,
    size: event.size ?? null,
    content_type: event.contentType ?? null,
    network: truncateAddress(attempt.address),
    protocol: attempt.protocol,
    endpoint: attempt.endpoint,
    phases: JSON.stringify(event.phases ?? {}),
    outcome: event.errorClass === undefined ? ('success' as const) : ('failure' as const),
    error_class: event.errorClass ?? null,
    attempt: attempt.attempt,
  }
}
