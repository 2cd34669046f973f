/** What every part of the sharing is given by the composition, and the row it works on. */
import type { Selectable } from 'kysely'
import type { Limiter, Passwords } from '../accounts/index.ts'
import type { Db, Tx } from '../engines/database/database.ts'
import type { AlbumLinkTable } from '../engines/database/schema.ts'
import type { Jobs } from '../engines/jobs/jobs.ts'

export type LinkRow = Selectable<AlbumLinkTable>

export interface SharingContext {
  db: Db
  jobs: Jobs
  passwords: Passwords
  limiters: LinkLimiters
  /** Origins besides the request's own from which a visitor's cookie counts. */
  allowedOrigins: ReadonlySet<string>
  /** Ends the unfinished uploads of a link that takes no more, in the transaction that closes it. */
  endUploads(tx: Tx, linkId: string): Promise<void>
  now: () => Date
}

export interface LinkLimiters {
  /** By link and network: guessing from one network locks nobody out on another. */
  network: Limiter
  /** By link, from all networks together. */
  link: Limiter
}
