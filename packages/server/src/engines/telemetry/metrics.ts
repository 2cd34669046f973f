/** Prometheus metrics of one process: rate, errors and duration per route, bytes, event loop, pool and queue. */
import type pg from 'pg'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Jobs } from '../jobs/jobs.ts'

export interface Metrics {
  observeRequest(labels: { method: string; route: string; status: number }, seconds: number): void
  bytesIn(bytes: number): void
  bytesOut(bytes: number): void
  /** How many are open now. */
  eventStreams(open: number): void
  /** A block that the edge looked for in its cache. */
  cacheBlock(outcome: 'hit' | 'joined' | 'miss' | 'failed'): void
  /** Bytes that went from the object store into the cache. */
  cacheFilled(bytes: number): void
  /** Prometheus text exposition format 0.0.4. */
  expose(): Promise<{ contentType: string; text: string }>
}

export function createMetrics({ pool, jobs }: { pool: pg.Pool; jobs: Jobs }): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'heliograph_' })

  const requests = new Histogram({
    name: 'heliograph_http_request_duration_seconds',
    help: 'Time from the request line to the last byte of the answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120],
    registers: [registry],
  })
  const bytes = new Counter({
    name: 'heliograph_media_bytes_total',
    help: 'Bytes of media through this process',
    labelNames: ['direction'],
    registers: [registry],
  })
  const cacheBlocks = new Counter({
    name: 'heliograph_edge_cache_blocks_total',
    help: 'Blocks the edge looked for in its cache: there, on their way already, fetched, or sent past a failing disk',
    labelNames: ['outcome'],
    registers: [registry],
  })
  const cacheFilled = new Counter({
    name: 'heliograph_edge_cache_filled_bytes_total',
    help: 'Bytes from the object store into the cache of the edge',
    registers: [registry],
  })
  const eventStreams = new Gauge({
    name: 'heliograph_event_streams',
    help: 'Open event streams',
    registers: [registry],
  })
  new Gauge({
    name: 'heliograph_database_connections',
    help: 'Connections of the pool by state, and requests waiting for one',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.set({ state: 'open' }, pool.totalCount)
      this.set({ state: 'idle' }, pool.idleCount)
      this.set({ state: 'waiting' }, pool.waitingCount)
    },
  })
  const queueAge = new Gauge({
    name: 'heliograph_jobs_oldest_due_seconds',
    help: 'How long the oldest due job has waited',
    registers: [registry],
  })
  new Gauge({
    name: 'heliograph_jobs',
    help: 'Jobs in the queue by state; `failed` has used up its attempts',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      const depth = await jobs.depth()
      this.set({ state: 'waiting' }, depth.waiting)
      this.set({ state: 'failed' }, depth.failed)
      queueAge.set(depth.oldestDueSeconds)
    },
  })

  return {
    observeRequest: ({ method, route, status }, seconds) =>
      requests.observe({ method, route, status: String(status) }, seconds),
    bytesIn: (count) => bytes.inc({ direction: 'in' }, count),
    bytesOut: (count) => bytes.inc({ direction: 'out' }, count),
    eventStreams: (open) => eventStreams.set(open),
    cacheBlock: (outcome) => cacheBlocks.inc({ outcome }),
    cacheFilled: (count) => cacheFilled.inc(count),
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  }
}
