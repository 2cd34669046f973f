import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createSandbox } from './sandbox.ts'
import { processesNamed, program, roomy, script, shell } from './testing.ts'

const sandbox = await createSandbox()
const needsWalls = sandbox.strength.missing ?? false
const needsLinux = process.platform === 'linux' ? false : 'There is no /proc to look into.'

/** A `sleep` that no other one on this machine is like, to be found again. */
const sleeper = () => `sleep ${randomInt(100_000, 999_999)}.5`

describe('limits', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'heliograph-limits-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('what takes too much memory ends by it', { skip: needsLinux }, async () => {
    const { ending } = await script(sandbox, 'const held = []; for (;;) held.push(Buffer.alloc(2 ** 22, 1))')
    assert.deepEqual(ending, { how: 'memory' })
  })

  test('memory is that of all its processes together', { skip: needsLinux }, async () => {
    const part = 'head -c 60M /dev/zero | tail -c 60M | sleep 60'
    const limits = { ...roomy, memory: 2 ** 27 }
    const alone = shell(sandbox, 'head -c 60M /dev/zero | tail -c 60M | wc -c', { limits })
    const together = shell(sandbox, `${part} & ${part} & ${part} & wait`, { limits })
    assert.deepEqual([(await alone).output.trim(), (await alone).ending], ['62914560', { how: 'exit', code: 0 }])
    assert.deepEqual((await together).ending, { how: 'memory' })
  })

  test('what goes on for ever ends by its time', async () => {
    const started = performance.now()
    const { ending } = await shell(sandbox, 'while :; do :; done', { limits: { ...roomy, seconds: 0.5 } })
    assert.deepEqual(ending, { how: 'time' })
    assert.ok(performance.now() - started < 5000)
  })

  test('a file that grows too large ends the program, whether it heeds the signal or the error', async () => {
    const limits = { ...roomy, fileSize: 100_000 }
    const heeds = await shell(sandbox, 'exec dd if=/dev/zero of=one bs=4096 2> /dev/null', { limits, writable: folder })
    const fails = await script(
      sandbox,
      `import { appendFileSync } from 'node:fs'
       for (;;) appendFileSync(${JSON.stringify(join(folder, 'two'))}, Buffer.alloc(4096))`,
      { limits, writable: folder },
    )
    assert.deepEqual([heeds.ending, fails.ending], [{ how: 'file-size' }, { how: 'file-size' }])
  })

  test('many small files end the program as well where the folder has a bound', async () => {
    const { ending } = await shell(
      sandbox,
      'mkdir many; i=0; while :; do head -c 50000 /dev/zero > many/$i; i=$((i + 1)); done',
      { limits: { ...roomy, folderSize: 2 ** 20 }, writable: folder },
    )
    assert.deepEqual(ending, { how: 'file-size' })
  })

  test('a fork bomb is contained, and gone afterwards', { skip: needsWalls }, async () => {
    const name = `bomb-${randomBytes(6).toString('hex')}`
    const source = `bomb() { bomb | bomb & }; bomb; : ${name}; while :; do :; done`
    const { ending } = await shell(sandbox, source, { limits: { ...roomy, seconds: 3 } })
    assert.ok(['crashed', 'time', 'memory'].includes(ending.how), ending.how)
    assert.deepEqual(processesNamed(name), [])
  })

  test('a crash is told by its signal, an exit by its code', async () => {
    assert.deepEqual((await shell(sandbox, 'kill -s SEGV $$')).ending, { how: 'crashed', signal: 'SIGSEGV' })
    assert.deepEqual((await shell(sandbox, 'exit 44')).ending, { how: 'exit', code: 44 })
    assert.deepEqual((await script(sandbox, 'process.abort()')).ending, { how: 'crashed', signal: 'SIGABRT' })
  })

  test('what cannot start says why', async () => {
    const missing = await sandbox.start(program('/nowhere/program', [])).ended
    assert.equal(missing.how, 'not-started')
    assert.match('message' in missing ? missing.message : '', /\/nowhere\/program/)
    const relative = await sandbox.start(program('sh', [])).ended
    assert.deepEqual(relative, { how: 'not-started', message: 'sh is not an absolute path.' })
  })

  test('a machine that has no descriptor left ends the start, not the server', { skip: needsLinux }, async () => {
    const { stdout } = await promisify(execFile)('/bin/sh', [
      '-c',
      'ulimit -n 64; exec "$@"',
      'few',
      process.execPath,
      fileURLToPath(new URL('./starved-trial.ts', import.meta.url)),
    ])
    assert.match(stdout, /^not-started: .*EMFILE/)
  })

  test('a path that is not there is told before the program starts', { skip: needsWalls }, async () => {
    const { ending } = await shell(sandbox, 'exit 0', { readable: ['/nowhere/at all'] })
    assert.deepEqual(ending, { how: 'not-started', message: '/nowhere/at all is not there.' })
  })

  test('kill ends the grandchildren too, before `ended` resolves', { skip: needsWalls }, async () => {
    const nap = sleeper()
    const running = sandbox.start(program('/bin/sh', ['-c', `setsid ${nap} & ${nap} & echo up; wait`]))
    await once(running.stdout, 'data')
    running.kill()
    assert.deepEqual(await running.ended, { how: 'aborted' })
    assert.deepEqual(processesNamed(nap), [])
  })

  test('a signal aborts: before the start, during the set-up and later', async () => {
    const early = sandbox.start(program('/bin/sleep', ['60'], { signal: AbortSignal.abort() }))
    assert.deepEqual(await early.ended, { how: 'aborted' })
    const controller = new AbortController()
    const settingUp = sandbox.start(program('/bin/sleep', ['60'], { signal: controller.signal }))
    const later = sandbox.start(program('/bin/sh', ['-c', 'echo up; sleep 60'], { signal: controller.signal }))
    await once(later.stdout, 'data')
    controller.abort()
    assert.deepEqual(await Promise.all([settingUp.ended, later.ended]), [{ how: 'aborted' }, { how: 'aborted' }])
    const atOnce = sandbox.start(program('/bin/sleep', ['60']))
    atOnce.kill()
    assert.deepEqual(await atOnce.ended, { how: 'aborted' })
  })

  test('the death of the server, even by SIGKILL, ends its programs', { skip: needsWalls }, async () => {
    const nap = sleeper()
    const server = spawn(process.execPath, [fileURLToPath(new URL('./server-trial.ts', import.meta.url)), nap], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(server.stdout, 'data')
    assert.notDeepEqual(processesNamed(nap), [])
    server.kill('SIGKILL')
    await once(server, 'exit')
    const deadline = performance.now() + 5000
    while (processesNamed(nap).length > 0 && performance.now() < deadline) await delay(10)
    assert.deepEqual(processesNamed(nap), [])
  })

  test('64 MB stream through it both ways, and it waits for whoever does not read', async () => {
    const running = sandbox.start(program('/bin/cat', []))
    const chunk = randomBytes(2 ** 16)
    const [sent, received] = [createHash('sha256'), createHash('sha256')]
    let taken = 0
    function* source() {
      for (let count = 0; count < 1024; count++) {
        taken = count
        sent.update(chunk)
        yield chunk
      }
    }
    const writing = pipeline(Readable.from(source(), { highWaterMark: 1 }), running.stdin)
    await once(running.stdout, 'readable')
    await delay(100)
    assert.ok(taken < 100, `${taken} chunks were taken from the source though nobody read`)
    for await (const data of running.stdout) received.update(data)
    await writing
    assert.equal(received.digest('hex'), sent.digest('hex'))
    assert.deepEqual(await running.ended, { how: 'exit', code: 0 })
  })

  test('a program that stops reading breaks the pipe of its writer, and nothing else', async () => {
    const running = sandbox.start(program('/bin/sh', ['-c', 'exec 0<&-; sleep 0.1; exit 5']))
    await assert.rejects(
      pipeline(Readable.from(Array.from({ length: 500 }, () => Buffer.alloc(2 ** 16))), running.stdin),
      { code: /EPIPE|ECONNRESET|ERR_STREAM_PREMATURE_CLOSE/ },
    )
    assert.deepEqual(await running.ended, { how: 'exit', code: 5 })
  })

  test('bulk work is weaker, and the kernel takes it before the server', { skip: needsLinux }, async () => {
    const look = 'cut -d " " -f 19 /proc/self/stat; cat /proc/self/oom_score_adj; ulimit -c'
    const [bulk, interactive] = await Promise.all([
      shell(sandbox, look, { priority: 'bulk' }),
      shell(sandbox, look, { priority: 'interactive' }),
    ])
    assert.deepEqual([bulk.output, interactive.output], ['10\n1000\n0\n', '0\n1000\n0\n'])
  })
})
