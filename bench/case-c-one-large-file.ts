/** (c) One file of 1.6 GiB, streamed through the server into a folder. */
import { floor, heliograph } from './contender.ts'
import type { BenchContext } from './context.ts'
import { interleave, type Sample } from './measure.ts'
import { megabytes, type Section } from './report.ts'

const mebibyte = 1024 ** 2

export async function oneLargeFile(context: BenchContext): Promise<Section> {
  const size = Math.round((context.quick ? 0.2 : 1.6) * 1024) * mebibyte
  const task = { kind: 'files', sample: 'mp4', count: 1, size, concurrency: 1 } as const
  // No warm-up: what a first upload makes the server allocate counts as growth.
  const [base, stream] = await interleave(
    context.rounds,
    [floor, heliograph.stream].map((contender) => ({ limits: context.limits, contender, warmUp: 0, task })),
    context.onSample,
  )
  if (base === undefined || stream === undefined) throw new Error('Nothing was measured')
  const speed = (sample: Sample) => (sample.ok * size) / sample.seconds
  const growth = (sample: Sample) => sample.peak - sample.idle
  const ratio = stream.ratioTo(base, speed)
  return {
    id: 'c',
    title: 'One streamed file of 1.6 GiB, into a folder',
    method:
      'The floor is `pipeline` with fsync; ours is `POST /v1/assets`. Both start cold: there is no warm-up, and what the ' +
      'first upload allocates counts as growth of the resident memory over idle.',
    header: ['server', 'MB', 'failed', 'total s', 'MB/s', 'CPU s', 'Postgres s', 'idle MB', 'peak MB', 'growth MB'],
    rows: [base, stream].map((series) => [
      series.contender.label,
      megabytes(size),
      String(series.failed),
      series.median((sample) => sample.seconds).toFixed(1),
      megabytes(series.median(speed)),
      series.median((sample) => sample.serverCpu).toFixed(2),
      series.contender.isOurs ? series.median((sample) => sample.postgresCpu).toFixed(2) : '',
      megabytes(series.median((sample) => sample.idle)),
      megabytes(series.median((sample) => sample.peak)),
      megabytes(series.median(growth)),
    ]),
    targets: [
      { what: 'speed to floor', wanted: 'at least 0.85', measured: ratio.toFixed(2), met: ratio >= 0.85 },
      {
        what: 'RSS above idle, MB',
        wanted: 'at most 64',
        measured: megabytes(stream.median(growth)),
        met: stream.median(growth) <= 64e6,
      },
    ],
  }
}
