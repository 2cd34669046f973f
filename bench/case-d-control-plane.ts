/** (d) Plans and completions a second: the control plane without the bytes. */
import { heliograph } from './contender.ts'
import type { BenchContext } from './context.ts'
import { interleave, type Sample } from './measure.ts'
import type { Section } from './report.ts'

export async function controlPlane(context: BenchContext): Promise<Section> {
  const count = context.quick ? 300 : 3_000
  const levels = context.quick ? [16] : [1, 16, 64]
  const tasks = levels.flatMap((concurrency) =>
    (['plans', 'completions'] as const).map((kind) => ({ kind, count, size: 4_096, concurrency })),
  )
  const all = await interleave(
    context.rounds,
    tasks.map((task) => ({ limits: context.limits, contender: heliograph.direct, warmUp: 100, task })),
    context.onSample,
  )
  const perCall = (value: (sample: Sample) => number) => (sample: Sample) => (1000 * value(sample)) / sample.ok
  return {
    id: 'd',
    title: 'Plans and completions',
    method:
      '`POST /v1/uploads`, and `POST /v1/uploads/{id}/complete` of 4 KB files that were put before the clock started. One ' +
      'account, so every call changes the same quota row: the worst case for the database. Durable: Postgres has ' +
      'synchronous_commit on. Server and Postgres share the one CPU.',
    header: [
      'call',
      'at once',
      'calls',
      'failed',
      'a second',
      'p50 ms',
      'p99 ms',
      'server CPU ms a call',
      'Postgres CPU ms a call',
    ],
    rows: all.map((series) => [
      series.task.kind,
      String(series.task.concurrency),
      String(series.task.count),
      String(series.failed),
      series.median((sample) => sample.ok / sample.seconds).toFixed(0),
      series.median((sample) => sample.p50).toFixed(1),
      series.median((sample) => sample.p99).toFixed(1),
      series.median(perCall((sample) => sample.serverCpu)).toFixed(2),
      series.median(perCall((sample) => sample.postgresCpu)).toFixed(2),
    ]),
    targets: all.map((series) => ({
      what: `${series.task.kind}, ${series.task.concurrency} at once: failures`,
      wanted: '0',
      measured: String(series.failed),
      met: series.failed === 0,
    })),
  }
}
