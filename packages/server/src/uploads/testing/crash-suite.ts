/** The tests of a crash series, for the short form in the suite and the long one of the night. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type CrashSeries, chooseCrashes, describeCrash, startCrashSeries } from './crash-series.ts'

/** Runs of one series; then a new database and folder, so that a run does not slow down with the number of those before. */
const seriesLength = 50

export function describeCrashes(seed: number, runs: number): void {
  const crashes = chooseCrashes(seed, runs)
  for (let start = 0; start < runs; start += seriesLength) {
    describe(`a server that is killed, seed ${seed}, from run ${start}`, () => {
      let series: CrashSeries
      before(async () => {
        series = await startCrashSeries()
      })
      after(() => series?.close())

      for (const [index, crash] of crashes.slice(start, start + seriesLength).entries()) {
        it(`loses nothing: ${describeCrash(crash)} (run ${start + index})`, async () => {
          const { diedByItself } = await series.run(crash, seed + start + index)
          if (crash.kind === 'point' && crash.occurrence === 1) {
            assert.ok(diedByItself, `nothing came to ${crash.point}`)
          }
        })
      }

      it('has lost nothing when everything is settled', () => series.finish())
    })
  }
}
