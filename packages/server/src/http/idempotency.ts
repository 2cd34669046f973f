/**
 * `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header): a POST that creates is done once for a key, and a
 * repeat answers with the first result for a day. Results can hold secrets (a new token), so they are kept encrypted under
 * a key that only the client's own key yields; the table holds hashes.
 *
 * A process that dies between the effect and the note leaves the key "running"; after a minute the request may run again.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import { problems } from '../problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    idempotency: { keyHash: Buffer; secret: Buffer } | null
  }
}

/** Seconds after which a request that never ended is taken for dead. */
const abandonedAfter = 60

export function honourIdempotencyKeys(app: FastifyInstance, db: Db): void {
  app.decorateRequest('idempotency', null)

  app.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key']
    if (key === undefined || request.routeOptions.config.idempotent !== true) return
    if (typeof key !== 'string' || key.length < 1 || key.length > 255) {
      throw problems.invalidRequest('Idempotency-Key must have 1 to 255 characters.')
    }
    const secret = createHash('sha256')
      .update(`${scopeOf(request)}\n${key}`)
      .digest()
    const keyHash = createHash('sha256').update('id\n').update(secret).digest()
    const requestHash = createHash('sha256').update(describe(request)).digest()
    const first = await claim(db, keyHash, requestHash)
    if (first === null) {
      request.idempotency = { keyHash, secret }
      return
    }
    if (!requestHash.equals(first.request_hash)) {
      throw problems.idempotencyMismatch('Use a new key for a new request.')
    }
    if (first.status === null || first.body === null) {
      throw problems.conflict('The first request with this key is still running.', { retryAfter: 1 })
    }
    return reply
      .code(first.status)
      .type('application/json')
      .serializer(String)
      .send(decrypt(secret, Buffer.from(first.body)))
  })

  app.addHook('onSend', async (request, reply, payload) => {
    if (request.idempotency === null) return payload
    const { keyHash, secret } = request.idempotency
    request.idempotency = null
    // Only a success is a result to repeat; after a failure the same key may try again.
    if (reply.statusCode >= 300 || typeof payload !== 'string') {
      await db.deleteFrom('idempotency_key').where('key_hash', '=', keyHash).execute()
    } else {
      await db
        .updateTable('idempotency_key')
        .set({ status: reply.statusCode, body: encrypt(secret, payload) })
        .where('key_hash', '=', keyHash)
        .execute()
    }
    return payload
  })
}

/** For the hourly schedule. */
export async function forgetIdempotencyKeys(db: Db): Promise<void> {
  await db.deleteFrom('idempotency_key').where('created_at', '<', sql<Date>`now() - interval '24 hours'`).execute()
}

/** Null when the caller now owns the key; else what the first request left. */
async function claim(db: Db, keyHash: Buffer, requestHash: Buffer) {
  const claimed = await db
    .insertInto('idempotency_key')
    .values({ key_hash: keyHash, request_hash: requestHash })
    .onConflict((conflict) =>
      conflict
        .column('key_hash')
        .doUpdateSet({ created_at: sql`now()`, request_hash: requestHash })
        .where('idempotency_key.status', 'is', null)
        .where('idempotency_key.created_at', '<', sql<Date>`now() - make_interval(secs => ${sql.lit(abandonedAfter)})`),
    )
    .returning('key_hash')
    .executeTakeFirst()
  if (claimed !== undefined) return null
  const first = await db.selectFrom('idempotency_key').selectAll().where('key_hash', '=', keyHash).executeTakeFirst()
  if (first === undefined)
    throw problems.conflict('The first request with this key has just ended; try again.', { retryAfter: 1 })
  return first
}

function scopeOf(request: FastifyRequest): string {
  return `${describePrincipal(request.principal)} ${request.method} ${request.routeOptions.url}`
}

function describePrincipal(principal: FastifyRequest['principal']): string {
  if (principal.kind === 'account') return principal.accountId
  return principal.kind === 'visitor' ? `link ${principal.linkId} ${principal.lock}` : 'anonymous'
}

function describe(request: FastifyRequest): string {
  return `${request.url}\n${JSON.stringify(request.body ?? request.headers['content-length'] ?? null)}`
}

function cipherKey(secret: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'heliograph idempotency', 32))
}

function encrypt(secret: Buffer, text: string): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', cipherKey(secret), nonce)
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
}

function decrypt(secret: Buffer, sealed: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', cipherKey(secret), sealed.subarray(0, 12))
  decipher.setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString('utf8')
}
