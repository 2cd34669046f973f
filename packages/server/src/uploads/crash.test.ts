/** The short form, in the suite of every day: every fault point once and a few random crashes. `crash.crash.ts` is the long one. */
import { describeCrashes } from './testing/crash-suite.ts'

describeCrashes(Number(process.env.HELIOGRAPH_CRASH_SEED ?? 1), 20)
