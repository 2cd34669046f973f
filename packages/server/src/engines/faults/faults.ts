/**
 * Named points at which a crash test makes this process die as by a power cut. Inert unless the environment of a test
 * names one: `complete.joined` dies the first time it is reached, `complete.joined#3` the third.
 */
/** In the order of a file's life. */
export const faultPoints = [
  'plan.multipart-created',
  'plan.committed',
  /** The bytes are on disk and have no name yet. */
  'store.written',
  /** They have their name; what they were written as, or assembled from, is still there. */
  'store.published',
  'part.received',
  'stream.stored',
  'complete.joined',
  'complete.verified',
  /** Everything is written and nothing committed. */
  'complete.uncommitted',
  'complete.committed',
  'abort.committed',
  'expire.committed',
  /** The original is decoded. */
  'process.read',
  /** What was made is stored. */
  'process.put',
  'process.uncommitted',
  'process.committed',
  'purge.committed',
  'purge.object-deleted',
] as const

export type FaultPoint = (typeof faultPoints)[number]

/** Called where a crash would hurt most. */
export type Fault = (point: FaultPoint) => void

export function createFaults(spec: string | null): Fault {
  if (spec === null) return () => undefined
  const [name, count] = spec.split('#')
  let left = Number(count ?? 1)
  return (point) => {
    if (point !== name) return
    left -= 1
    if (left === 0) process.kill(process.pid, 'SIGKILL')
  }
}
