/** (a) 200 and 1,000 files of 5 MB at once, into a folder. */
import { fileContenders, floor } from './contender.ts'
import type { BenchContext } from './context.ts'
import { interleave, type Sample, type Series } from './measure.ts'
import { megabytes, type Section, type Target } from './report.ts'

const fileSize = 5_000_000

const wholeCpu = (sample: Sample) => sample.serverCpu + sample.postgresCpu

export async function manyFiles(context: BenchContext): Promise<Section> {
  const rows: string[][] = []
  const targets: Target[] = []
  for (const count of context.quick ? [50] : [200, 1_000]) {
    const task = { kind: 'files', sample: 'jpeg', count, size: fileSize, concurrency: count } as const
    const all = await interleave(
      context.rounds,
      fileContenders
        .filter(context.takesPart)
        .map((contender) => ({ limits: context.limits, contender, warmUp: 8, task })),
      context.onSample,
    )
    const base = all.find(({ contender }) => contender === floor)
    if (base === undefined) throw new Error('The floor did not take part')
    for (const series of all) {
      rows.push(toRow(series, base))
      if (series.contender.isOurs) targets.push(...judge(series, base))
    }
  }
  return {
    id: 'a',
    title: 'Files of 5 MB at once, into a folder',
    method:
      'All files start at once, each on a connection of its own. Ours is durable (fsync of file and folder) when it ' +
      'answers, and so is the floor that it is compared with; the other peers do not fsync. "Direct" is plan, PUT to the ' +
      'built-in edge and complete; "streaming" is `POST /v1/assets`. CPU is user and system time, with half a second ' +
      'after the last answer; ratios are medians over rounds of the same round. The embedded Postgres runs under the ' +
      'same limits and is counted apart; "whole" is both together.',
    header: [
      'server',
      'files',
      'failed',
      'total s',
      'CPU s',
      'to floor',
      'Postgres s',
      'whole to floor',
      'peak MB',
      'Postgres MB',
      'p50 s',
      'p99 s',
    ],
    rows,
    targets,
  }
}

function toRow(series: Series, base: Series): string[] {
  const { contender, task } = series
  const oursOnly = (text: string) => (contender.isOurs ? text : '')
  return [
    contender.label,
    String(task.count),
    String(series.failed),
    series.median((sample) => sample.seconds).toFixed(1),
    series.median((sample) => sample.serverCpu).toFixed(2),
    series.ratioTo(base, (sample) => sample.serverCpu).toFixed(2),
    oursOnly(series.median((sample) => sample.postgresCpu).toFixed(2)),
    oursOnly(series.ratioTo(base, wholeCpu).toFixed(2)),
    megabytes(series.median((sample) => sample.peak)),
    oursOnly(megabytes(series.median((sample) => sample.postgresPeak))),
    series.median((sample) => sample.p50 / 1000).toFixed(2),
    series.median((sample) => sample.p99 / 1000).toFixed(2),
  ]
}

function judge(series: Series, base: Series): Target[] {
  const name = `${series.contender.label}, ${series.task.count} files`
  const ratio = series.ratioTo(base, (sample) => sample.serverCpu)
  const peak = series.median((sample) => sample.peak)
  // Refusing files is cheap: with failures, nothing that was saved counts.
  const isWhole = series.failed === 0
  return [
    { what: `${name}: failures`, wanted: '0', measured: String(series.failed), met: isWhole },
    {
      what: `${name}: server CPU to floor`,
      wanted: 'at most 1.3',
      measured: ratio.toFixed(2),
      met: isWhole && ratio <= 1.3,
    },
    { what: `${name}: peak RSS, MB`, wanted: 'at most 300', measured: megabytes(peak), met: isWhole && peak <= 300e6 },
  ]
}
