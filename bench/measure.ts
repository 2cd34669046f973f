/**
 * One measured run: a fresh server, a warm-up, then the load, with what the server used meanwhile. Rounds are
 * interleaved (A B C A B C …) so that whatever else the machine does meets everyone alike, and medians are compared.
 */
import { spawn } from 'node:child_process'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { benchDirectory, type Contender, type RunningServer, startServer } from './contender.ts'
import type { Limits } from './limits.ts'
import { type LoadPlan, type LoadResult, readyLine } from './load-plan.ts'
import { readBusy, readResident, readUsage, watchMemory } from './process-tree.ts'
import { median } from './report.ts'

export interface Sample extends LoadResult {
  /** CPU seconds. */
  serverCpu: number
  postgresCpu: number
  /** Bytes resident before the load, and at the peak. */
  idle: number
  peak: number
  postgresPeak: number
  /** Cores that everything else on the machine kept busy meanwhile, the load generator included. */
  othersBusy: number
}

/** What is asked of the load generator apart from where to send it. */
export type Task = Omit<Extract<LoadPlan, { kind: 'files' }>, 'url' | 'token' | 'protocol'> | SmallTask
type SmallTask = Omit<Extract<LoadPlan, { kind: 'plans' | 'completions' }>, 'url' | 'token'>

export interface MeasureOptions {
  limits: Limits
  contender: Contender
  task: Task
  /** Files uploaded before the measurement, so that code is compiled and connections to engines are open. */
  warmUp: number
}

/** Time for work that the server put off until after its last answer, which is counted too, milliseconds. */
const settle = 500

export async function measure({ limits, contender, task, warmUp }: MeasureOptions): Promise<Sample> {
  await flushDisk()
  const server = await startServer(contender, limits)
  try {
    if (warmUp > 0) {
      const few = { kind: 'files', sample: 'jpeg', count: warmUp, size: 100_000, concurrency: 4 } as const
      await runLoad(limits, addressed(few, contender, server), () => undefined)
    }
    await delay(settle)
    const idle = readResident(server.pid)
    const watching = watchMemory(server.pid)
    let before = { busy: readBusy(), ...readUsage(server.pid) }
    let began = performance.now()
    const result = await runLoad(limits, addressed(task, contender, server), () => {
      before = { busy: readBusy(), ...readUsage(server.pid) }
      began = performance.now()
    })
    await delay(settle)
    const after = { busy: readBusy(), ...readUsage(server.pid) }
    const elapsed = (performance.now() - began) / 1000
    const memory = watching.stop()
    if (task.kind === 'files') await checkStored(server, task, result)
    const serverCpu = after.server - before.server
    const postgresCpu = after.postgres - before.postgres
    return {
      ...result,
      serverCpu,
      postgresCpu,
      idle,
      peak: memory.server,
      postgresPeak: memory.postgres,
      othersBusy: (after.busy - before.busy - serverCpu - postgresCpu) / elapsed,
    }
  } finally {
    await server.stop()
  }
}

/** The samples of one contender at one task. */
export interface Series extends MeasureOptions {
  samples: Sample[]
  median(value: (sample: Sample) => number): number
  /** Of the worst round. */
  failed: number
  /** Median over rounds of this round's value to the base's value of the same round. */
  ratioTo(base: Series, value: (sample: Sample) => number): number
}

/** Measures every option `rounds` times in turn. */
export async function interleave(
  rounds: number,
  options: MeasureOptions[],
  onSample: (options: MeasureOptions, sample: Sample) => void,
): Promise<Series[]> {
  await touchMemory(options)
  const samples: Sample[][] = options.map(() => [])
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, one] of options.entries()) {
      const sample = await measure(one)
      samples[index]?.push(sample)
      onSample(one, sample)
    }
  }
  return options.map((one, index) => toSeries(one, samples[index] ?? []))
}

function toSeries(options: MeasureOptions, samples: Sample[]): Series {
  return {
    ...options,
    samples,
    median: (value) => median(samples.map(value)),
    failed: Math.max(...samples.map((sample) => sample.failed)),
    ratioTo: (base, value) =>
      median(samples.map((sample, round) => value(sample) / value(base.samples[round] ?? sample))),
  }
}

function addressed(task: Task, contender: Contender, server: RunningServer): LoadPlan {
  if (task.kind === 'files') return { ...task, protocol: contender.protocol, url: server.url, token: server.token }
  if (server.token === null) throw new Error(`${contender.label} takes no plans`)
  return { ...task, url: server.url, token: server.token }
}

/** What was acknowledged must be there, whole; the warm-up's files have another size and do not count. */
async function checkStored(server: RunningServer, task: Task, result: LoadResult): Promise<void> {
  const stored = await server.stored(task.size)
  if (stored < result.ok) {
    throw new Error(`${result.ok} files were acknowledged, but the server keeps ${stored} whole ones`)
  }
}

async function runLoad(limits: Limits, plan: LoadPlan, onReady: () => void): Promise<LoadResult> {
  const script = fileURLToPath(new URL('load.ts', import.meta.url))
  const [command = '', ...args] = limits.load([process.execPath, script, JSON.stringify(plan)])
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  let result: LoadResult | null = null
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === readyLine) {
      onReady()
      child.stdin.write('\n')
    } else {
      result = JSON.parse(line) as LoadResult
    }
  }
  if (result === null) throw new Error('The load generator ended without a result')
  return result
}

/** One run's dirty pages must not be written back during the next. */
async function flushDisk(): Promise<void> {
  const child = spawn('sync', { stdio: 'ignore' })
  await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject))
}

/**
 * A virtual machine pays for each page of memory when it is touched for the first time, which would make the page cache
 * of the first server in the first round look dear (measured: 1.7 times the CPU). So a file as large as one run is
 * written and removed first.
 */
async function touchMemory(options: MeasureOptions[]): Promise<void> {
  const size = Math.max(...options.map(({ task }) => task.count * task.size))
  const path = join(benchDirectory(), `heliograph-bench-touch-${process.pid}`)
  const chunk = Buffer.alloc(4 * 1024 ** 2)
  const file = await open(path, 'wx')
  try {
    for (let written = 0; written < size; written += chunk.length) await file.write(chunk)
    await file.sync()
  } finally {
    await file.close()
    await rm(path)
  }
}
