import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const suite = fileURLToPath(new URL('./suite.mjs', import.meta.url))

const passing = `it('passes', () => undefined)`
const failing = `it('fails', () => { throw new Error('no') })`
const skipped = `it('is skipped', { skip: true }, () => undefined)`
const skippedSuite = `describe('s', { skip: 'why' }, () => { it('a', () => undefined); it('b', () => undefined) })`
const usingPostgres = `it('has a server', () => { if (!process.env.HELIOGRAPH_TEST_POSTGRES) throw new Error('no') })`

describe('the test suite', () => {
  it('ends with the counts of test cases, and fails with any of them', async (t) => {
    const { line, code } = await runSuite(t, [
      `describe('a', () => { ${passing}; ${usingPostgres} })`,
      failing,
      '',
      skipped,
      skippedSuite,
    ])
    assert.equal(line, '2 passed, 1 failed, 2 skipped')
    assert.equal(code, 1)
  })

  it('lets a test be skipped on a developer machine, but not in continuous integration', async (t) => {
    const [local, integration] = await Promise.all([
      runSuite(t, [passing, skipped]),
      runSuite(t, [passing, skipped], { env: { CI: 'true' } }),
    ])
    assert.deepEqual([local.line, local.code], ['1 passed, 0 failed, 1 skipped', 0])
    assert.deepEqual([integration.line, integration.code], ['1 passed, 0 failed, 1 skipped', 1])
  })

  it('fails when nothing was tested', async (t) => {
    const { line, code } = await runSuite(t, [''])
    assert.deepEqual([line, code], ['0 passed, 0 failed, 0 skipped', 1])
  })

  it('stops its servers and removes its folder when it is interrupted', async (t) => {
    const endless = `it('waits', async () => { console.log('waiting'); await new Promise((r) => setTimeout(r, 60_000)) })`
    const { line, code, folder } = await runSuite(t, [endless], { interruptAt: 'waiting' })
    assert.match(line, /^0 passed, [12] failed, 0 skipped$/)
    assert.equal(code, 1)
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('heliograph-')),
      [],
    )
  })
})

/** Runs the suite on files with these contents, its temporary files in a folder of their own. */
async function runSuite(t, contents, { env = {}, interruptAt } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'hg-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  for (const [index, content] of contents.entries()) {
    await writeFile(join(folder, `${index}.test.mjs`), `import { describe, it } from 'node:test'\n${content}\n`)
  }
  const { NODE_TEST_CONTEXT: _, CI: __, ...outer } = process.env
  const child = spawn(process.execPath, [suite, '--only', join(folder, '*.test.mjs')], {
    env: { ...outer, TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.after(() => child.kill('SIGTERM'))
  if (interruptAt !== undefined) {
    child.stdout.on('data', (data) => {
      if (String(data).includes(interruptAt)) child.kill('SIGINT')
    })
  }
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return { line: output.trimEnd().split('\n').at(-1), code, folder }
}
