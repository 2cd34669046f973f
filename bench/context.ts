/** What every case is given. */
import type { Contender } from './contender.ts'
import type { Limits } from './limits.ts'
import type { MeasureOptions, Sample } from './measure.ts'

export interface BenchContext {
  limits: Limits
  /** Fewer files and one round, to see that all of it runs. */
  quick: boolean
  rounds: number
  takesPart(contender: Contender): boolean
  onSample(options: MeasureOptions, sample: Sample): void
}
