/** Run by a test with few descriptors: opens all of them, and says how a start ends then. */
import { closeSync, openSync } from 'node:fs'
import { createSandbox } from './sandbox.ts'
import { program } from './testing.ts'

const sandbox = await createSandbox()
const held: number[] = []
try {
  for (;;) held.push(openSync('/dev/null', 'r'))
} catch {
  // All are taken, which was wanted. A few are given back, for what is read before a program starts.
  for (const descriptor of held.splice(-3)) closeSync(descriptor)
}
const ending = await sandbox.start(program('/bin/sh', ['-c', 'exit 0'])).ended
for (const descriptor of held) closeSync(descriptor)
console.log(`${ending.how}: ${'message' in ending ? ending.message : ''}`)
