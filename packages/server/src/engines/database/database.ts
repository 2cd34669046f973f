/**
 * Opens Postgres through Kysely. Every parameterised statement is sent under a name derived from its text, so that the
 * server parses and plans it once a connection (measured: twice the reads a second of unnamed statements).
 */
import { createHash } from 'node:crypto'
import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import type { Database } from './schema.ts'

export type Db = Kysely<Database>
export type Tx = Transaction<Database>

export interface DatabaseOptions {
  url: string
  poolSize: number
  /** Milliseconds to wait for a free connection before the request fails with 503. */
  acquireTimeout?: number
  onError?: (error: Error) => void
}

export interface OpenDatabase {
  db: Db
  pool: pg.Pool
  /** For a connection beside the pool. */
  url: string
  close(): Promise<void>
}

/** Longest name Postgres keeps is 63 bytes; this many distinct statements stay prepared on one connection at most. */
const maxNamedStatements = 500
/**
 * Characters. Longer texts are inserts of many rows, of which every number of rows is a text of its own: they would take
 * the names from the statements that repeat.
 */
const longestNamed = 4096

const clockTypes = new Set<number>([pg.types.builtins.TIMESTAMP, pg.types.builtins.DATE])

const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === pg.types.builtins.INT8 && format !== 'binary') return parseBytes
    // Times of a clock whose zone nobody knows: a Date would put them into that of this machine.
    if (clockTypes.has(oid) && format !== 'binary') return (text: string) => text
    return pg.types.getTypeParser(oid, format)
  },
} as pg.CustomTypesConfig

function parseBytes(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`A bigint of the database is beyond 2^53: ${text}`)
  return value
}

export function openDatabase(options: DatabaseOptions): OpenDatabase {
  const names = new Map<string, string>()
  const nameOf = (text: string): string | undefined => {
    if (text.length > longestNamed) return undefined
    const known = names.get(text)
    if (known !== undefined) return known
    if (names.size >= maxNamedStatements) return undefined
    const name = createHash('sha256').update(text).digest('base64url')
    names.set(text, name)
    return name
  }

  class NamingClient extends pg.Client {
    // biome-ignore lint/suspicious/noExplicitAny: pg.Client.query has eight overloads; only the shape Kysely uses is changed.
    override query(...args: any[]): any {
      const [text, values, ...rest] = args
      if (typeof text !== 'string' || !Array.isArray(values) || values.length === 0) {
        return (super.query as (...all: unknown[]) => unknown)(...args)
      }
      const name = nameOf(text)
      const query = name === undefined ? { text, values } : { name, text, values }
      return (super.query as (...all: unknown[]) => unknown)(query, ...rest)
    }
  }

  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: options.acquireTimeout ?? 30_000,
    Client: NamingClient,
    types,
    application_name: 'heliograph',
  })
  // A connection that breaks (a restarted server), idle or between two statements of a transaction, must not end the
  // process: the statement that finds it broken fails, and the pool replaces it.
  pool.on('connect', (client) => client.on('error', (error: Error) => options.onError?.(error)))
  // The pool repeats what an idle connection reported above.
  pool.on('error', () => undefined)

  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  return { db, pool, url: options.url, close: () => db.destroy() }
}

/** True when the error is a unique violation of `constraint`. */
export function violates(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.code === '23505' && error.constraint === constraint
}

/** True when the error is that `column` would be null and may not be. */
export function isMissing(error: unknown, column: string): boolean {
  return error instanceof pg.DatabaseError && error.code === '23502' && error.column === column
}

/** Connection trouble or a server that starts or stops: the request can be tried again. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string') {
    // Class 08 connection exception, 57P0x shutdown, 53xxx insufficient resources (SQLSTATE, Postgres appendix A).
    if (/^(08|57P0|53)/.test(code)) return true
    if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOENT'].includes(code) && 'syscall' in error) return true
  }
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
    error.message,
  )
}
