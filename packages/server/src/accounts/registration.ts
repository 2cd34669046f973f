/**
 * Registering with a password. What could go wrong: two first registrations at once (they queue for one lock, so one is
 * the administrator), and a handle or e-mail taken meanwhile (unique indexes decide, not a look-up).
 */
import { v7 as uuidv7 } from 'uuid'
import { violates } from '../engines/database/database.ts'
import { type Attempt, type HistoryEvent, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { quota } from '../quota/index.ts'
import { hasAccounts, lockAdministration } from './administrators.ts'
import { networkOf, recordFailure, slowDown } from './attempts.ts'
import type { AccountContext } from './context.ts'
import { openSession, type SignedIn } from './sessions.ts'
import { viewAccount } from './view.ts'

export interface Registration {
  handle: string
  email: string
  password: string
  name: string
}

/** Words that mean something else in a path, or that pretend to speak for the server. */
const reservedHandles = new Set(['me', 'admin', 'administrator', 'heliograph', 'root', 'support', 'system'])

/**
 * Throws `registration-closed`, `already-exists` with the field that is taken, `invalid-request` for the password or a
 * reserved handle, `too-many-requests`. It tells who asks that an e-mail is known; only a mail with a link could hide that.
 */
export async function register(context: AccountContext, input: Registration, attempt: Attempt): Promise<SignedIn> {
  const event: HistoryEvent = { action: 'account.register', objectType: 'account' }
  await slowDown(context.db, context.limiters.register, networkOf(attempt), attempt, event)
  return recordFailure(context.db, attempt, event, async () => {
    const handle = input.handle.toLowerCase()
    if (isReservedHandle(handle)) throw taken('handle', 'is reserved')
    // Asked again under the lock; here it spares hashing a password in vain.
    requireOpen(context, await hasAccounts(context.db))
    const passwordHash = await context.passwords.hash(input.password)
    try {
      return await context.db.transaction().execute(async (tx) => {
        await lockAdministration(tx)
        const isFirst = !(await hasAccounts(tx))
        requireOpen(context, !isFirst)
        const row = await tx
          .insertInto('account')
          .values({
            id: uuidv7(),
            handle,
            email: input.email.toLowerCase(),
            name: input.name,
            password_hash: passwordHash,
            role: isFirst ? 'administrator' : 'member',
            created_at: context.now(),
          })
          .returningAll()
          .executeTakeFirstOrThrow()
        await quota.open(tx, row.id, context.storageLimit)
        const session = await openSession(context, tx, row)
        await history.record(tx, { ...attempt, actorId: row.id }, { ...event, objectId: row.id })
        return { account: await viewAccount(context, tx, row), ...session }
      })
    } catch (error) {
      if (violates(error, 'account_handle')) throw taken('handle', 'is taken')
      if (violates(error, 'account_email')) throw taken('email', 'is taken')
      throw error
    }
  })
}

export function isReservedHandle(handle: string): boolean {
  return reservedHandles.has(handle)
}

function requireOpen(context: AccountContext, isServerInUse: boolean): void {
  if (context.registration === 'closed' && isServerInUse) {
    throw problems.registrationClosed('Ask the administrator of this server for an account.')
  }
}

function taken(field: 'handle' | 'email', message: string) {
  return problems.alreadyExists(`This ${field === 'email' ? 'e-mail address' : 'handle'} ${message}.`, {
    errors: [{ path: `/${field}`, message }],
  })
}
