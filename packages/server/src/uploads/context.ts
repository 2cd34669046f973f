/** What every part of the upload life is given by the composition, and the row it works on. */

import type { UploadGrant } from '@heliograph/signing'
import type { Selectable } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import type { UploadTable } from '../engines/database/schema.ts'
import type { Fault } from '../engines/faults/faults.ts'
import type { Jobs } from '../engines/jobs/jobs.ts'
import type { ObjectStore } from '../engines/object-store/object-store.ts'
import type { Pace } from './pace.ts'

export type UploadRow = Selectable<UploadTable>

/** Who sends: an account, or by a link a guest, whose files are that account's and go into an album of it. */
export interface Sender {
  ownerId: string
  linkId: string | null
}

/** An edge that takes bytes under signed grants, and the signer whose key it trusts. */
export interface UploadEdge {
  name: string
  baseUrl: string
  sign(baseUrl: string, grant: UploadGrant): Promise<string>
}

export interface UploadLimits {
  /** Bytes. */
  maxFileSize: number
  /** Seconds an upload may take from its plan. */
  uploadLifetime: number
  /** Seconds a URL to put bytes stays valid. */
  grantLifetime: number
}

export interface UploadContext {
  db: Db
  store: ObjectStore
  jobs: Jobs
  /** Best first. */
  edges: UploadEdge[]
  limits: UploadLimits
  pace: Pace
  now: () => Date
  fault: Fault
  log: { warn(fields: object, message: string): void }
}

/** One lost second of clock between machines must not leave bytes behind. */
const clockMargin = 60

/** Until when late bytes must be swept after a grant given out at `now`. */
export function grantsUntil(
  context: Pick<UploadContext, 'now'> & { limits: Pick<UploadLimits, 'grantLifetime'> },
): Date {
  return new Date(context.now().getTime() + (context.limits.grantLifetime + clockMargin) * 1000)
}
