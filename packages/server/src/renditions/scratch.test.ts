import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { sweepScratch, withScratch } from './scratch.ts'

const run = promisify(execFile)

describe('scratch folders', () => {
  let scratch: string
  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'heliograph-scratch-'))
  })
  after(() => run('rm', ['-rf', scratch]))

  /** Deeper than the longest path there may be, and closed. */
  const burrow = (folder: string) =>
    run('/bin/sh', [
      '-c',
      `cd "$1" && mkdir closed && : > closed/file && chmod 0 closed
       i=0; while [ $i -lt 60 ]; do mkdir ${'d'.repeat(200)} && cd -P ${'d'.repeat(200)} || exit; i=$((i + 1)); done`,
      'burrow',
      folder,
    ])

  it('go with their job, whatever a program left in them', async () => {
    assert.equal(
      await withScratch(scratch, async (folder) => {
        await burrow(folder)
        return 'done'
      }),
      'done',
    )
    assert.deepEqual(await readdir(scratch), [])
  })

  it('are unpredictable, so that nobody can wait in them', async () => {
    const names = await Promise.all([1, 2].map(() => withScratch(scratch, async (folder) => folder)))
    assert.notEqual(names[0], names[1])
  })

  it('of killed processes go at the start, also those of an earlier process of the same id', async () => {
    const { pid: dead } = run('true').child
    await run('true')
    const old = new Date(Date.now() - process.uptime() * 1000 - 60_000)
    for (const name of [
      `${dead}-killed`,
      `${process.pid}-restarted`,
      `${process.ppid}-running`,
      `${process.pid}-own`,
    ]) {
      await mkdir(join(scratch, name))
      await writeFile(join(scratch, name, 'original'), 'bytes')
      if (!name.endsWith('-own')) await utimes(join(scratch, name), old, old)
    }
    await burrow(join(scratch, `${dead}-killed`))
    await sweepScratch(scratch)
    assert.deepEqual((await readdir(scratch)).sort(), [`${process.pid}-own`, `${process.ppid}-running`].sort())
    await rm(join(scratch, `${process.ppid}-running`), { recursive: true })
  })
})
