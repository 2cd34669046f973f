/**
 * An external identity that is seen for the first time gets an account. The pair of issuer and subject is what it is
 * known by; an e-mail address or a handle that somebody here already has stays theirs, as taking an account over by
 * claiming its address would otherwise be one careless issuer away. The newcomer then has another handle, or no address.
 */
import { randomInt } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { Db, Tx } from '../engines/database/database.ts'
import { type Attempt, history } from '../history/index.ts'
import { quota } from '../quota/index.ts'
import { hasAccounts, lockAdministration } from './administrators.ts'
import type { AccountRow } from './context.ts'
import type { ExternalIdentity } from './jwt.ts'
import { isReservedHandle } from './registration.ts'

export interface ProvisioningDeps {
  db: Db
  /** Bytes a new account may store. */
  storageLimit: number
  now: () => Date
}

const maxHandleLength = 39
const maxTries = 20

/** The account of this identity, made if need be; safe to call any number of times at once. */
export async function provision(
  deps: ProvisioningDeps,
  identity: ExternalIdentity,
  attempt: Attempt,
): Promise<AccountRow> {
  return deps.db.transaction().execute(async (tx) => {
    // Every way of making accounts takes this lock, so what is free below stays free until this commits.
    await lockAdministration(tx)
    const known = await findExternal(tx, identity)
    if (known !== undefined) return known
    const isFirst = !(await hasAccounts(tx))
    const row = await tx
      .insertInto('account')
      .values({
        id: uuidv7(),
        handle: await freeHandle(tx, identity),
        email: await freeEmail(tx, identity),
        name: nameOf(identity),
        issuer: identity.issuer,
        subject: identity.subject,
        role: identity.role ?? (isFirst ? 'administrator' : 'member'),
        created_at: deps.now(),
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    await quota.open(tx, row.id, deps.storageLimit)
    await history.record(
      tx,
      { ...attempt, actorId: row.id },
      { action: 'account.register', objectType: 'account', objectId: row.id },
    )
    return row
  })
}

export function findExternal(
  db: Db | Tx,
  identity: Pick<ExternalIdentity, 'issuer' | 'subject'>,
): Promise<AccountRow | undefined> {
  return db
    .selectFrom('account')
    .selectAll()
    .where('issuer', '=', identity.issuer)
    .where('subject', '=', identity.subject)
    .executeTakeFirst()
}

async function freeEmail(tx: Tx, { email }: ExternalIdentity): Promise<string | null> {
  if (email === null || !isPrintable(email) || email.length > 254 || !/^[^\s@]+@[^\s@]+$/.test(email)) return null
  const normalized = email.toLowerCase()
  const owner = await tx.selectFrom('account').select('id').where('email', '=', normalized).executeTakeFirst()
  return owner === undefined ? normalized : null
}

async function freeHandle(tx: Tx, identity: ExternalIdentity): Promise<string> {
  const base = handleFrom(identity.handle ?? identity.email?.split('@')[0] ?? identity.name ?? '')
  for (let attempt = 0; attempt < maxTries; attempt++) {
    const suffix = attempt === 0 ? '' : `-${randomInt(10_000, 100_000)}`
    const handle = base.slice(0, maxHandleLength - suffix.length) + suffix
    if (isReservedHandle(handle)) continue
    const owner = await tx.selectFrom('account').select('id').where('handle', '=', handle).executeTakeFirst()
    if (owner === undefined) return handle
  }
  throw new Error(`No free handle was found for ${base} in ${maxTries} tries`)
}

/** What the database accepts as a handle: letters, digits, `_.-`, not punctuation first. */
export function handleFrom(text: string): string {
  const handle = text
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, maxHandleLength)
  return handle === '' ? 'person' : handle
}

function nameOf(identity: ExternalIdentity): string {
  const name = identity.name ?? identity.handle ?? ''
  return isPrintable(name) && name !== '' ? [...name].slice(0, 100).join('') : 'Unnamed'
}

function isPrintable(text: string): boolean {
  return text.isWellFormed() && !/\p{Control}/u.test(text)
}
