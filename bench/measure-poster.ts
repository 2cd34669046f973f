/**
 * Makes the poster of one video several times, isolated as in the server, and prints what that took of the processor, all
 * programs included: `node measure-poster.ts <video> <folder> <times>`.
 */
import { readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { createSandbox } from '../packages/server/src/engines/sandbox/sandbox.ts'
import { createVideoDecoder, findFfmpeg } from '../packages/server/src/renditions/video/index.ts'

export interface PosterResult {
  /** CPU seconds of one. */
  probe: number
  poster: number
  /** Seconds of the clock. */
  seconds: number
  ffmpeg: string
}

/** CPU seconds of this process and its children that are gone (proc(5)). */
function used(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0) / 100
}

const [video = '', folder = '', times = '1'] = process.argv.slice(2)
const ffmpeg = await findFfmpeg(process.env.PATH ?? '')
const decoder = createVideoDecoder({ sandbox: await createSandbox(), ffmpeg })
const { signal } = new AbortController()
// Once for what is only done the first time.
await decoder.probe(video, 'video/mp4', signal)

const start = used()
for (let time = 0; time < Number(times); time += 1) await decoder.probe(video, 'video/mp4', signal)
const probed = used()
const probe = await decoder.probe(video, 'video/mp4', signal)
const before = used()
const began = performance.now()
for (let time = 0; time < Number(times); time += 1) {
  const scratch = await mkdtemp(join(folder, 'scratch-'))
  await decoder.poster(video, probe, { scratch, signal, priority: 'interactive' })
}
const result: PosterResult = {
  probe: (probed - start) / Number(times),
  poster: (used() - before) / Number(times),
  seconds: (performance.now() - began) / 1000 / Number(times),
  ffmpeg: ffmpeg?.version ?? 'none',
}
process.stdout.write(`${JSON.stringify(result)}\n`)
