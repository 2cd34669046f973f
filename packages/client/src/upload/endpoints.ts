/**
 * Remembers which endpoints failed, so that one bad route costs one part a delay and not every part. An endpoint is
 * avoided for a while that doubles with each failure after the last one was sat out, and forgiven by one success.
 */
import type { PartUrl } from '../api.ts'

export interface EndpointMemory {
  /** The best-ranked endpoint that is not avoided; when all are, the one to be forgiven first. */
  choose(urls: readonly PartUrl[]): PartUrl | undefined
  /** True when another endpoint than `endpoint` is ready to be tried at once. */
  hasAlternative(urls: readonly PartUrl[], endpoint: string): boolean
  failed(endpoint: string): void
  succeeded(endpoint: string): void
}

const firstPenaltyMs = 10_000
const longestPenaltyMs = 300_000

export function createEndpointMemory(now: () => number): EndpointMemory {
  const bad = new Map<string, { until: number; penaltyMs: number }>()
  const avoidedUntil = (endpoint: string) => bad.get(endpoint)?.until ?? 0
  const isReady = (endpoint: string) => avoidedUntil(endpoint) <= now()

  return {
    choose(urls) {
      const ready = urls.find((url) => isReady(url.endpoint))
      return ready ?? urls.toSorted((a, b) => avoidedUntil(a.endpoint) - avoidedUntil(b.endpoint))[0]
    },
    hasAlternative: (urls, endpoint) => urls.some((url) => url.endpoint !== endpoint && isReady(url.endpoint)),
    failed(endpoint) {
      // Parts in flight fail together; that is one failure.
      if (!isReady(endpoint)) return
      const before = bad.get(endpoint)?.penaltyMs
      const penaltyMs = before === undefined ? firstPenaltyMs : Math.min(before * 2, longestPenaltyMs)
      bad.set(endpoint, { until: now() + penaltyMs, penaltyMs })
    },
    succeeded: (endpoint) => void bad.delete(endpoint),
  }
}
