/** Run by a test on a machine that allows less: says what it is held to, and how programs end there. */
import { createSandbox } from './sandbox.ts'
import { roomy, shell } from './testing.ts'

const [canary = '', given = ''] = process.argv.slice(2)
const sandbox = await createSandbox()
const run = async (script: string, limits = roomy) => (await shell(sandbox, script, { limits })).ending.how

console.log(
  JSON.stringify({
    strength: sandbox.strength,
    endings: [
      await run('exit 0'),
      await run('while :; do :; done', { ...roomy, seconds: 0.3 }),
      await run('head -c 90M /dev/zero | tail -c 90M | sleep 60', { ...roomy, memory: 2 ** 26 }),
    ],
    sees: (await shell(sandbox, `cat ${canary}`)).output,
    reads: (
      await shell(
        sandbox,
        `cat ${given}/own ${given}/below/own; for f in . below; do echo x > ${given}/$f/x && echo wrote; done`,
        {
          readable: [given],
        },
      )
    ).output,
    learns: (await shell(sandbox, 'env')).output.includes('HELIOGRAPH_CANARY'),
  }),
)
