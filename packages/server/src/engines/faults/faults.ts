/**
 * Named points at which a crash test makes this process die as by a power cut. Inert unless the environment of a test
 * names one: `complete.joined` dies the first time it is reached, `complete.joined#3` the third.
 */
export type FaultPoint =
  | 'plan.multipart-created'
  | 'plan.committed'
  | 'part.received'
  | 'complete.joined'
  | 'complete.verified'
  | 'complete.committed'
  | 'stream.stored'
  | 'abort.committed'
  | 'expire.committed'
  | 'purge.committed'
  | 'purge.object-deleted'
  | 'process.read'

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
