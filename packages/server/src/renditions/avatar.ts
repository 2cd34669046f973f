/**
 * An avatar is shown to everybody, under an address that stays: a copy of the image's small rendition below `public/`, which
 * needs no signature. The original, and where it was taken, stay with their owner.
 */
import { randomBytes } from 'node:crypto'
import type { Db } from '../engines/database/database.ts'
import type { Jobs } from '../engines/jobs/jobs.ts'
import { foreseeDeletion, giveUpObjects, keepForeseen } from '../purge/index.ts'
import type { AssetRow, RenditionContext, RenditionRow, Tx } from './context.ts'
import { urlsDeadAt } from './making.ts'

declare module '../engines/jobs/jobs.ts' {
  interface TaskPayloads {
    /** Publishes the avatar an account has by now, and withdraws others it had. */
    'avatar:publish': { accountId: string }
  }
}

/** When the account has this asset as its avatar. In the transaction that made its renditions. */
export async function enqueueAvatar(jobs: Jobs, tx: Tx, asset: AssetRow): Promise<void> {
  const account = await tx
    .selectFrom('account')
    .select('id')
    .where('id', '=', asset.owner_id)
    .where('avatar_asset_id', '=', asset.id)
    .executeTakeFirst()
  if (account === undefined) return
  await jobs.enqueue(tx, 'avatar:publish', { accountId: account.id }, { key: `avatar:publish:${account.id}` })
}

/** Safe to repeat. An avatar that is not processed yet is published when it is. */
export async function publishAvatar(context: RenditionContext, accountId: string): Promise<void> {
  const source = await findSource(context, accountId)
  if (source === undefined) {
    await context.db.transaction().execute((tx) => withdraw(context, tx, accountId))
    return
  }
  const published = await context.db
    .selectFrom('rendition')
    .select('made_at')
    .where('asset_id', '=', source.asset_id)
    .where('name', '=', 'public')
    .executeTakeFirst()
  if (published !== undefined && published.made_at >= source.made_at) return
  const key = `public/${randomBytes(16).toString('hex')}.webp`
  await foreseeDeletion(context.db, [
    { object_key: key, reason: 'avatar not published', due_at: new Date(context.now().getTime() + 3_600_000) },
  ])
  const { body } = await context.store.get(source.object_key)
  await context.store.put(key, body, { contentType: source.content_type, size: source.size })
  await context.db.transaction().execute(async (tx) => {
    const account = await tx
      .selectFrom('account')
      .select('avatar_asset_id')
      .where('id', '=', accountId)
      .forNoKeyUpdate()
      .executeTakeFirst()
    const asset = await tx
      .selectFrom('asset')
      .select('id')
      .where('id', '=', source.asset_id)
      .forUpdate()
      .executeTakeFirst()
    if (account?.avatar_asset_id !== source.asset_id || asset === undefined) {
      await giveUpObjects(context.jobs, tx, [{ object_key: key, grants_until: null, reason: 'avatar not published' }])
      return
    }
    await withdraw(context, tx, accountId)
    await keepForeseen(tx, [key])
    const { asset_id, content_type, size, width, height, recipe } = source
    await tx
      .insertInto('rendition')
      .values({ asset_id, name: 'public', object_key: key, content_type, size, width, height, recipe })
      .execute()
  })
}

/** The small rendition of the avatar; of a very small picture its thumb. */
async function findSource({ db }: RenditionContext, accountId: string): Promise<RenditionRow | undefined> {
  return db
    .selectFrom('rendition')
    .selectAll('rendition')
    .innerJoin('account', 'account.avatar_asset_id', 'rendition.asset_id')
    .where('account.id', '=', accountId)
    .where('rendition.name', 'in', ['small', 'thumb'])
    .orderBy('rendition.name')
    .executeTakeFirst()
}

/** All public copies of the account's images. Pages that show one find it for a while yet. */
async function withdraw(context: RenditionContext, tx: Tx, accountId: string): Promise<void> {
  const gone = await tx
    .deleteFrom('rendition')
    .using('asset')
    .whereRef('asset.id', '=', 'rendition.asset_id')
    .where('asset.owner_id', '=', accountId)
    .where('rendition.name', '=', 'public')
    .returning('rendition.object_key')
    .execute()
  await giveUpObjects(
    context.jobs,
    tx,
    gone.map(({ object_key }) => ({ object_key, grants_until: null, reason: 'avatar withdrawn' })),
    { notBefore: urlsDeadAt(context) },
  )
}

/** The public copy of an avatar; null while it is not made, and when its asset is in the trash. */
export async function findAvatar(db: Db, assetId: string): Promise<string | null> {
  const row = await db
    .selectFrom('rendition')
    .innerJoin('asset', 'asset.id', 'rendition.asset_id')
    .select('rendition.object_key')
    .where('asset_id', '=', assetId)
    .where('name', '=', 'public')
    .where('asset.trashed_at', 'is', null)
    .executeTakeFirst()
  return row?.object_key ?? null
}
