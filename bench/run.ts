/**
 * The benchmarks' one command: `node bench/run.ts [a] … [i] [--quick] [--rounds N] [--only pattern]`. Prints tables,
 * and writes RESULTS.md unless the run was quick or partial within a case. Linux only: it reads /proc.
 */
import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { manyFiles } from './case-a-many-files.ts'
import { objectStore } from './case-b-object-store.ts'
import { oneLargeFile } from './case-c-one-large-file.ts'
import { controlPlane } from './case-d-control-plane.ts'
import { renditions } from './case-e-renditions.ts'
import { edge } from './case-f-edge.ts'
import { signing } from './case-g-signing.ts'
import { zipf } from './case-h-zipf.ts'
import { poster } from './case-i-poster.ts'
import { timeline } from './case-j-timeline.ts'
import { site } from './case-k-site.ts'
import { benchDirectory, floor } from './contender.ts'
import type { BenchContext } from './context.ts'
import { chooseLimits } from './limits.ts'
import { megabytes, renderSection, type Section, writeResults } from './report.ts'

const cases: Record<string, (context: BenchContext) => Promise<Section>> = {
  a: manyFiles,
  b: objectStore,
  c: oneLargeFile,
  d: controlPlane,
  e: renditions,
  f: edge,
  g: signing,
  h: zipf,
  i: poster,
  j: timeline,
  k: site,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})
if (process.platform !== 'linux') throw new Error('The benchmarks read /proc and run on Linux only')

const limits = chooseLimits()
const context: BenchContext = {
  limits,
  quick: values.quick,
  rounds: Number(values.rounds ?? (values.quick ? 1 : 3)),
  takesPart: (contender) => new RegExp(values.only).test(contender.label) || contender === floor,
  onSample({ contender, task }, sample) {
    const reasons = Object.entries(sample.failures).map(([reason, times]) => `${times} × ${reason}`)
    process.stderr.write(
      `  ${contender.label}, ${task.count} ${task.kind}: ${sample.seconds.toFixed(1)} s, CPU ${sample.serverCpu.toFixed(2)} s, ` +
        `Postgres ${sample.postgresCpu.toFixed(2)} s, peak ${megabytes(sample.peak)} MB, ` +
        `others busy ${sample.othersBusy.toFixed(2)}, failed ${[sample.failed, ...reasons].join(' ')}\n`,
    )
  },
}

const rendered = new Map<string, string>()
try {
  for (const id of positionals.length === 0 ? Object.keys(cases) : positionals) {
    const measureCase = cases[id]
    if (measureCase === undefined) throw new Error(`There is no case "${id}", only ${Object.keys(cases).join(', ')}`)
    process.stderr.write(`case ${id}\n`)
    const text = renderSection(await measureCase(context), describeEnvironment())
    process.stdout.write(`${text}\n\n`)
    rendered.set(id, text)
  }
} finally {
  limits.release()
}
if (!values.quick && values.only === '') writeResults(new URL('RESULTS.md', import.meta.url), rendered)

function describeEnvironment(): string {
  const directory = benchDirectory()
  const filesystem = execFileSync('stat', ['--file-system', '--format=%T', directory], { encoding: 'utf8' }).trim()
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}, ${context.rounds} ${context.rounds === 1 ? 'round' : 'rounds'}.`,
    `Machine: ${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${(totalmem() / 1024 ** 3).toFixed(0)} GiB,`,
    `Linux ${release()}, ${filesystem}, Node ${process.version}. Limits: ${limits.description}.`,
  ].join(' ')
}
