/** How much memory and time one video may take, from what its probe says. */
import type { SandboxLimits } from '../../engines/sandbox/sandbox.ts'
import type { Picture } from './probe.ts'

/** Frames that decoder, filters and encoder hold at once: 16 references of the standards, as many on their way. */
const framesHeld = 32

/** Bytes. 4K of 10 bits: 1.2 GB; 8K of 8 bits: 2 GB. */
export function memoryFor({ coded, bitDepth }: Picture): number {
  const frame = coded.width * coded.height * 1.5 * (bitDepth > 8 ? 2 : 1)
  return Math.round(400e6 + frame * framesHeld)
}

/** A poster is a few frames; hung decoders are the only ones that take longer than this. */
export const posterLimits = (picture: Picture): SandboxLimits => ({
  memory: memoryFor(picture),
  seconds: 60,
  fileSize: 64 << 20,
})
