import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'

const runtime = new URL('../../packages/server/bin/runtime.mjs', import.meta.url).href

describe('a program run on the Node that npm brought', () => {
  it('hears Ctrl-C once, although the whole process group gets it and npm repeats it', async (t) => {
    const program = `
      const heard = []
      process.on('SIGINT', (signal) => { heard.push(signal); setTimeout(() => { console.log(heard.join()); process.exit(7) }, 300) })
      setInterval(() => undefined, 1000)
      console.log('ready')`
    const { wrapper, lines } = await start(t, program)
    assert.equal(await next(lines), 'ready')
    process.kill(-wrapper.pid, 'SIGINT')
    process.kill(wrapper.pid, 'SIGINT')
    assert.equal(await next(lines), 'SIGINT')
    assert.deepEqual(await once(wrapper, 'exit'), [7, null])
  })

  it('gets a SIGTERM, and its end by a signal shows in the exit code', async (t) => {
    const { wrapper, lines } = await start(t, `setInterval(() => undefined, 1000); console.log('ready')`)
    assert.equal(await next(lines), 'ready')
    wrapper.kill('SIGTERM')
    assert.deepEqual(await once(wrapper, 'exit'), [128 + 15, null])
  })

  it('is told to end when the shell in which npm started it has ended', async (t) => {
    const program = `
      process.on('SIGTERM', () => { console.log('SIGTERM'); process.exit(0) })
      setInterval(() => undefined, 1000)
      console.log('ready')`
    const { wrapper, lines } = await start(t, program, [], '', { isInShell: true })
    assert.equal(await next(lines), 'ready')
    wrapper.kill('SIGKILL')
    assert.equal(await next(lines), 'SIGTERM')
  })

  it('runs in the folder of the user, with all arguments as given', async (t) => {
    const { wrapper, lines, folder } = await start(
      t,
      `console.log(JSON.stringify([process.cwd(), ...process.argv.slice(2)]))`,
      ['--port', '9000', 'a b', ''],
    )
    assert.deepEqual(JSON.parse(await next(lines)), [folder, '--port', '9000', 'a b', ''])
    assert.deepEqual(await once(wrapper, 'exit'), [0, null])
  })

  it('is a sentence where there is no Node for it', async (t) => {
    const { wrapper, lines } = await start(t, '', [], `Object.defineProperty(process, 'version', { value: 'v20.1.0' })`)
    assert.match(await next(lines), /^Heliograph needs Node 24\.7 or later\. This is Node 20\.1\.0.*nodejs\.org\.$/)
    assert.deepEqual(await once(wrapper, 'exit'), [1, null])
  })
})

/** Runs the program as `heliograph` would, in a checkout for which npm brought no Node: the current one is used. */
async function start(t, program, args = [], first = '', { isInShell = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'hg-'))
  const script = join(folder, 'program.mjs')
  await writeFile(script, program)
  await writeFile(join(folder, 'package.json'), '{}')
  const code = `
    import { findNode, runNode } from ${JSON.stringify(runtime)}
    ${first}
    try {
      process.exitCode = await runNode(findNode(${JSON.stringify(folder)}), process.argv.slice(1))
    } catch (error) {
      console.log(error.message)
      process.exitCode = 1
    }`
  const command = [process.execPath, '--input-type=module', '-e', code, '--', script, ...args]
  // As npm does: a shell between it and us.
  const shell = ['sh', '-c', '"$@"; exit', 'sh']
  const { npm_lifecycle_event: _, ...environment } = process.env
  const [file, ...rest] = isInShell ? [...shell, ...command] : command
  const wrapper = spawn(file, rest, {
    cwd: folder,
    env: isInShell ? { ...environment, npm_lifecycle_event: 'start' } : environment,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  t.after(async () => {
    wrapper.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
  return { wrapper, folder, lines: createInterface(wrapper.stdout)[Symbol.asyncIterator]() }
}

async function next(lines) {
  return (await lines.next()).value
}
