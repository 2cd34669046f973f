/** Run by a test as a server that is killed: starts what it is told, grandchild included, and lives on. */
import { createSandbox } from './sandbox.ts'
import { program } from './testing.ts'

const [command = ''] = process.argv.slice(2)
const sandbox = await createSandbox()
const running = sandbox.start(program('/bin/sh', ['-c', `setsid ${command} & ${command} & echo up; wait`]))
running.stdout.once('data', () => console.log('up'))
await running.ended
