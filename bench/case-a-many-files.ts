/** (a) 200 and 1,000 files of 5 MB at once, into a folder. */
import { fileContenders, floor } from './contender.ts'
import type { BenchContext } from './context.ts'
import { interleave, type MeasureOptions, type Sample } from './measure.ts'
import { median, megabytes, type Section, type Target } from './report.ts'

const fileSize = 5_000_000

export async function manyFiles(context: BenchContext): Promise<Section> {
  const counts = context.quick ? [50] : [200, 1_000]
  const rows: string[][] = []
  const targets: Target[] = []
  for (const count of counts) {
    const options = fileContenders.filter(context.takesPart).map(
      (contender): MeasureOptions => ({
        limits: context.limits,
        contender,
        warmUp: 8,
        task: { kind: 'files', sample: 'jpeg', count, size: fileSize, concurrency: count },
      }),
    )
    const all = await interleave(context.rounds, options, context.onSample)
    const of = (index: number, value: (sample: Sample) => number) => median((all[index] ?? []).map(value))
    const base = options.findIndex((one) => one.contender === floor)
    for (const [index, { contender }] of options.entries()) {
      const cpu = of(index, (sample) => sample.serverCpu)
      const ratio = median(
        (all[index] ?? []).map((sample, round) => sample.serverCpu / (all[base]?.[round]?.serverCpu ?? NaN)),
      )
      const peak = of(index, (sample) => sample.peak)
      const failed = Math.max(...(all[index] ?? []).map((sample) => sample.failed))
      rows.push([
        contender.label,
        String(count),
        String(failed),
        of(index, (sample) => sample.seconds).toFixed(1),
        cpu.toFixed(2),
        ratio.toFixed(2),
        contender.isOurs ? of(index, (sample) => sample.postgresCpu).toFixed(2) : '',
        megabytes(peak),
        contender.isOurs ? megabytes(of(index, (sample) => sample.postgresPeak)) : '',
        of(index, (sample) => sample.p50 / 1000).toFixed(2),
        of(index, (sample) => sample.p99 / 1000).toFixed(2),
      ])
      if (!contender.isOurs) continue
      const name = `${contender.label}, ${count}`
      targets.push(
        { what: `${name}: failures`, wanted: '0', measured: String(failed), met: failed === 0 },
        { what: `${name}: server CPU to floor`, wanted: 'at most 1.3', measured: ratio.toFixed(2), met: ratio <= 1.3 },
        { what: `${name}: peak RSS, MB`, wanted: 'at most 300', measured: megabytes(peak), met: peak <= 300e6 },
      )
    }
  }
  return {
    id: 'a',
    title: 'Files of 5 MB at once, into a folder',
    method:
      'All files start at once, each on a connection of its own. Ours is durable (fsync of file and folder) when it ' +
      'answers, and so is the floor that it is compared with; the other peers do not fsync. "Direct" is plan, PUT to the ' +
      'built-in edge and complete; "streaming" is `POST /v1/assets`. CPU is user and system time of the server, with half ' +
      'a second after the last answer; its ratio is the median over rounds of the same round. Postgres is counted apart.',
    header: [
      'server',
      'files',
      'failed',
      'total s',
      'CPU s',
      'to floor',
      'Postgres CPU s',
      'peak MB',
      'Postgres MB',
      'p50 s',
      'p99 s',
    ],
    rows,
    targets,
  }
}
