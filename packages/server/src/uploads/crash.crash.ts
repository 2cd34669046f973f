/**
 * The long form, every night: `npm run test:crash`. The seed is another each time and is named by every test;
 * `HELIOGRAPH_CRASH_SEED` repeats it, `HELIOGRAPH_CRASH_RUNS` sets how many (200 when absent).
 */
import { describeCrashes } from './testing/crash-suite.ts'

const seed = Number(process.env.HELIOGRAPH_CRASH_SEED ?? Math.floor(Math.random() * 1_000_000))
describeCrashes(seed, Number(process.env.HELIOGRAPH_CRASH_RUNS ?? 200))
