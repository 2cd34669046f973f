/**
 * The end of an account. The request marks it, revokes its tokens and enqueues `account:delete`, all in one transaction;
 * from then on it is gone for everyone. The job removes what it owns in small transactions, each of which gives up the
 * objects of the rows it removes, and the row last.
 *
 * What could go wrong: the worker dies (each batch stands alone, so the job just goes on), or an upload that was planned
 * in the same moment appears behind the job's back (the foreign key keeps the row, and the job runs again).
 */
import type { Db, Tx } from '../engines/database/database.ts'
import { transact } from '../engines/database/transact.ts'
import type { TaskContext, Tasks } from '../engines/jobs/jobs.ts'
import { type Attempt, type HistoryEvent, history, jobAttempt } from '../history/index.ts'
import { quota } from '../quota/index.ts'
import { takeRenditions } from '../renditions/index.ts'
import { isOnlyAccount, lockAdministration, requireAnotherAdministrator } from './administrators.ts'
import { recordFailure } from './attempts.ts'
import type { AccountContext } from './context.ts'
import type { AccountPrincipal } from './principal.ts'
import { lockOwn, requireOwner } from './profile.ts'
import { type ExpectedVersion, requireVersion } from './version.ts'

declare module '../engines/jobs/jobs.ts' {
  interface TaskPayloads {
    /** Removes everything that a deleted account owns, then the account. */
    'account:delete': { accountId: string }
  }
}

/** Rows of one transaction: short enough that nobody waits for its locks. */
const batchSize = 200

/** Throws `conflict` for the last administrator while others are here, `forbidden` for a personal token. */
export async function deleteOwn(
  context: AccountContext,
  principal: AccountPrincipal,
  expected: ExpectedVersion,
  attempt: Attempt,
): Promise<void> {
  const { accountId } = principal
  const event: HistoryEvent = { action: 'account.delete', objectType: 'account', objectId: accountId }
  await recordFailure(context.db, attempt, event, async () => {
    requireOwner(principal, 'delete the account')
    await transact(context.db, async (tx) => {
      await lockAdministration(tx)
      const row = await lockOwn(tx, accountId)
      requireVersion(expected, row.version)
      if (row.role === 'administrator' && !(await isOnlyAccount(tx, accountId))) {
        await requireAnotherAdministrator(tx, accountId)
      }
      await tx
        .updateTable('account')
        .set((expression) => ({ deleted_at: context.now(), version: expression('version', '+', 1) }))
        .where('id', '=', accountId)
        .execute()
      await tx.deleteFrom('access_token').where('account_id', '=', accountId).execute()
      await context.withdraw(tx, accountId)
      await context.jobs.enqueue(
        tx,
        'account:delete',
        { accountId },
        { key: `account:delete:${accountId}`, priority: 10 },
      )
      await history.record(tx, attempt, event)
    })
  })
}

/** An object that no row refers to any more once the transaction commits. */
export interface GivenUpObject {
  object_key: string
  store_upload_id?: string | null
  /** Until when a URL that was handed out can still put bytes there. */
  grants_until: Date | null
  reason: string
}

export interface AccountTaskDeps {
  db: Db
  /** Of the purge domain: has the objects deleted once the transaction commits. */
  giveUpObjects: (tx: Tx, objects: GivenUpObject[]) => Promise<void>
}

export function accountTasks(deps: AccountTaskDeps): Tasks {
  return {
    'account:delete': async ({ accountId }, context) => {
      const row = await deps.db
        .selectFrom('account')
        .select('id')
        .where('id', '=', accountId)
        .where('deleted_at', 'is not', null)
        .executeTakeFirst()
      // Gone already: the job ran before and died before it could say so.
      if (row === undefined) return
      await inBatches(deps.db, context, (tx) => removeOpenUploads(deps, tx, accountId))
      await inBatches(deps.db, context, (tx) => removeAssets(deps, tx, accountId, context.attempt))
      await inBatches(deps.db, context, (tx) => removeFinishedUploads(tx, accountId))
      // Quota and what is left of tokens go with the row.
      await deps.db.deleteFrom('account').where('id', '=', accountId).execute()
    },
  }
}

async function inBatches(db: Db, context: TaskContext, removeBatch: (tx: Tx) => Promise<number>): Promise<void> {
  for (;;) {
    context.signal.throwIfAborted()
    const removed = await db.transaction().execute(removeBatch)
    if (removed === 0) return
  }
}

async function removeOpenUploads({ giveUpObjects }: AccountTaskDeps, tx: Tx, accountId: string): Promise<number> {
  const uploads = await tx
    .selectFrom('upload')
    .select(['id', 'object_key', 'store_upload_id', 'grants_until', 'reserved_bytes'])
    .where('owner_id', '=', accountId)
    .where('state', '=', 'uploading')
    .orderBy('id')
    .limit(batchSize)
    .forUpdate()
    .execute()
  if (uploads.length === 0) return 0
  await giveUpObjects(
    tx,
    uploads.map(({ object_key, store_upload_id, grants_until }) => ({
      object_key,
      store_upload_id,
      grants_until,
      reason: 'account-deleted',
    })),
  )
  await deleteUploads(tx, uploads)
  await quota.release(tx, accountId, sum(uploads.map((upload) => upload.reserved_bytes)))
  return uploads.length
}

async function removeAssets(
  { giveUpObjects }: AccountTaskDeps,
  tx: Tx,
  accountId: string,
  attempt: number,
): Promise<number> {
  const assets = await tx
    .selectFrom('asset')
    .select(['id', 'object_key', 'grants_until', 'size', 'content_type'])
    .where('owner_id', '=', accountId)
    .orderBy('id')
    .limit(batchSize)
    .forUpdate()
    .execute()
  if (assets.length === 0) return 0
  const renditions = await takeRenditions(
    tx,
    assets.map((asset) => asset.id),
  )
  await giveUpObjects(tx, [
    ...assets.map(({ object_key, grants_until }) => ({ object_key, grants_until, reason: 'account-deleted' })),
    ...renditions,
  ])
  await tx
    .deleteFrom('asset')
    .where(
      'id',
      'in',
      assets.map((asset) => asset.id),
    )
    .execute()
  await quota.refund(tx, accountId, sum(assets.map((asset) => asset.size)))
  await history.recordAll(
    tx,
    assets.map((asset) => ({
      attempt: jobAttempt(accountId, attempt),
      event: {
        action: 'asset.purge',
        objectType: 'asset',
        objectId: asset.id,
        size: asset.size,
        contentType: asset.content_type,
      },
    })),
  )
  return assets.length
}

/** The objects of these went with their assets, or were given up when the uploads ended. */
async function removeFinishedUploads(tx: Tx, accountId: string): Promise<number> {
  const uploads = await tx
    .selectFrom('upload')
    .select('id')
    .where('owner_id', '=', accountId)
    .where('state', '!=', 'uploading')
    .limit(batchSize)
    .forUpdate()
    .execute()
  if (uploads.length > 0) await deleteUploads(tx, uploads)
  return uploads.length
}

async function deleteUploads(tx: Tx, uploads: { id: string }[]): Promise<void> {
  await tx
    .deleteFrom('upload')
    .where(
      'id',
      'in',
      uploads.map((upload) => upload.id),
    )
    .execute()
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
