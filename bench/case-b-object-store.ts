/** (b) 200 and 1,000 files of 5 MB at once, into S3: straight there, or through the server. */
import { s3Contenders } from './contender.ts'
import type { BenchContext } from './context.ts'
import { interleave, type Sample, type Series } from './measure.ts'
import { megabytes, type Section, type Target } from './report.ts'
import { startS3Store } from './s3-store.ts'

const fileSize = 5_000_000

const cpuPerFile = (sample: Sample) => (1000 * sample.serverCpu) / sample.ok

export async function objectStore(context: BenchContext): Promise<Section> {
  const contenders = s3Contenders(startS3Store)
  const rows: string[][] = []
  const targets: Target[] = []
  for (const count of context.quick ? [50] : [200, 1_000]) {
    const task = { kind: 'files', sample: 'jpeg', count, size: fileSize, concurrency: count } as const
    const [direct, stream, peer] = await interleave(
      context.rounds,
      [contenders.direct, contenders.stream, contenders.peer].map((contender) => ({
        limits: context.limits,
        contender,
        warmUp: 8,
        task,
      })),
      context.onSample,
    )
    if (direct === undefined || stream === undefined || peer === undefined) {
      throw new Error('Nothing was measured')
    }
    rows.push(...[direct, stream, peer].map((series) => toRow(series, direct)))
    targets.push(...judge(direct, stream))
  }
  return {
    id: 'b',
    title: 'Files of 5 MB at once, into S3',
    method:
      'The store is Ceph\'s gateway on the same machine, outside the server\'s limits, fresh for each run. "Direct" is ' +
      'plan, PUT to the store by a presigned URL and complete; "streaming" is `POST /v1/assets`; the peer streams each ' +
      'request on with PutObject, unverified and without a record. Ours runs with `ROLES=api,edge`: the worker, which ' +
      'afterwards reads every file once, runs elsewhere in a deployment of any size. "To direct" is the total time against ours, direct.',
    header: [
      'server',
      'files',
      'failed',
      'total s',
      'to direct',
      'CPU ms a file',
      'Postgres ms a file',
      'peak MB',
      'Postgres MB',
      'p50 s',
      'p99 s',
    ],
    rows,
    targets,
  }
}

function toRow(series: Series, direct: Series): string[] {
  const { contender, task } = series
  const oursOnly = (text: string) => (contender.isOurs ? text : '')
  return [
    contender.label,
    String(task.count),
    String(series.failed),
    series.median((sample) => sample.seconds).toFixed(1),
    series.ratioTo(direct, (sample) => sample.seconds).toFixed(2),
    series.median(cpuPerFile).toFixed(2),
    oursOnly(series.median((sample) => (1000 * sample.postgresCpu) / sample.ok).toFixed(2)),
    megabytes(series.median((sample) => sample.peak)),
    oursOnly(megabytes(series.median((sample) => sample.postgresPeak))),
    series.median((sample) => sample.p50 / 1000).toFixed(2),
    series.median((sample) => sample.p99 / 1000).toFixed(2),
  ]
}

function judge(direct: Series, stream: Series): Target[] {
  const files = `${direct.task.count} files`
  const cpu = direct.median(cpuPerFile)
  const ratio = stream.ratioTo(direct, (sample) => sample.seconds)
  const { failed } = direct
  return [
    { what: `direct, ${files}: failures`, wanted: '0', measured: String(failed), met: failed === 0 },
    {
      what: `direct, ${files}: CPU of the api, ms a file`,
      wanted: 'at most 5',
      measured: cpu.toFixed(2),
      met: failed === 0 && cpu <= 5,
    },
    {
      what: `${files}: time of streaming to direct`,
      wanted: 'at least 2.8',
      measured: ratio.toFixed(2),
      met: failed + stream.failed === 0 && ratio >= 2.8,
    },
  ]
}
