/**
 * Compares the store and the database both ways, beside a server that works, and mends what a person broke. It holds no
 * more than a batch of either in memory, and calls nothing wrong that is merely under way.
 *
 * What could go wrong is a person's mistake rather than a leftover: settings that name another store or another database
 * than belong together. Then nearly everything differs, and a repair of that would be the disaster. So where most of one
 * side is unknown to the other, nothing of it is repaired unless it is said twice (`force`).
 */
import { unknownMultipartAge } from '../uploads/index.ts'
import { compareAssets, countAssets, readAssets } from './assets.ts'
import type { DoctorContext, Stage } from './context.ts'
import { createFindings, type FindingGroup } from './findings.ts'
import { withInventory } from './inventory.ts'
import { findUnknownMultiparts } from './multiparts.ts'
import { checkJobs, countPending, hurry, type PendingWork } from './pending.ts'
import { checkQuotas } from './quotas.ts'
import { compareRenditions, countRenditions } from './renditions.ts'
import { checkTimelines } from './timelines.ts'
import { countUnknownObjects, findUnknownObjects } from './unknown-objects.ts'

export interface ExaminationOptions {
  repair?: boolean
  /** Re-reads every byte. */
  checksum?: boolean
  /** Repairs also where store and database look as if they did not belong together. */
  force?: boolean
  onProgress?: (stage: Stage) => void
  signal?: AbortSignal
}

export interface Examination {
  /** True when nothing is wrong, or nothing is any more. */
  ok: boolean
  findings: FindingGroup[]
  pending: PendingWork & { multiparts: number }
  compared: { objects: number; assets: number; renditions: number; multiparts: number; bytesRead: number }
  /** Assets marked as lost by an earlier repair whose bytes have not come back. */
  lost: number
  /** What was not repaired, since it looks like the wrong store or the wrong database. */
  refused: ('objects' | 'assets')[]
}

/** From so many on, a majority is no coincidence. */
const suspicious = 10

export type DoctorDeps = Pick<DoctorContext, 'db' | 'store' | 'jobs'> & { now?: () => Date }

export async function examine(deps: DoctorDeps, options: ExaminationOptions = {}): Promise<Examination> {
  const context: DoctorContext = {
    db: deps.db,
    store: deps.store,
    jobs: deps.jobs,
    now: deps.now ?? (() => new Date()),
    findings: createFindings(),
    repair: options.repair === true,
    onProgress: options.onProgress ?? (() => undefined),
    signal: options.signal ?? new AbortController().signal,
  }
  const force = options.force === true

  const compared = await withInventory(context, async (connection, objects) => {
    const { assets, missing, marked } = await countAssets(connection)
    const unknown = await countUnknownObjects(connection)
    context.onProgress({ name: 'compare', done: 0, total: assets })
    const mayGiveUp = force || !isMost(unknown, objects)
    const mayMark = force || !isMost(missing, assets)
    await findUnknownObjects({ ...context, repair: context.repair && mayGiveUp }, connection)
    await compareAssets({ ...context, repair: context.repair && mayMark }, connection)
    // Making them anew reads the originals, and what is not found is marked: not from a store that may be the wrong one.
    await compareRenditions({ ...context, repair: context.repair && mayMark }, connection)
    return { objects, assets, renditions: await countRenditions(connection), marked, mayGiveUp, mayMark }
  })
  const multiparts = await findUnknownMultiparts(context, unknownMultipartAge)
  const bytesRead = options.checksum === true ? await readAssets(context, compared.assets - compared.marked) : 0
  await checkQuotas(context)
  await checkTimelines(context)
  await checkJobs(context)
  if (context.repair) await hurry(context)

  const findings = context.findings.groups()
  const isOpen = (kind: FindingGroup['kind']) =>
    findings.some((group) => group.kind === kind && group.repaired < group.count)
  return {
    ok: findings.every((group) => group.repaired === group.count),
    findings,
    pending: { ...(await countPending(context)), multiparts: multiparts.pending },
    compared: {
      objects: compared.objects,
      assets: compared.assets,
      renditions: compared.renditions,
      multiparts: multiparts.multiparts,
      bytesRead,
    },
    lost: compared.marked,
    refused: [
      ...(context.repair && !compared.mayGiveUp && isOpen('object-unknown') ? (['objects'] as const) : []),
      ...(context.repair && !compared.mayMark && isOpen('asset-missing') ? (['assets'] as const) : []),
    ],
  }
}

function isMost(differing: number, all: number): boolean {
  return differing >= suspicious && differing * 2 > all
}
