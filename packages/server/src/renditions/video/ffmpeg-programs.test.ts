import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, test } from 'node:test'
import { describeFfmpeg, findFfmpeg } from './index.ts'

const folder = await mkdtemp(join(tmpdir(), 'heliograph-ffmpeg-'))
after(() => rm(folder, { recursive: true, force: true }))

const everything = 'libx264 aac mjpeg h264 hevc vp9 libdav1d zscale tonemap bwdif signalstats'

/** A program that answers like ffmpeg does: a list of what it has to every question but for its version. */
async function pretend(name: string, version: string, parts: string): Promise<string> {
  const place = join(folder, name)
  await mkdir(place)
  const list = parts.split(' ').map((part) => `echo ' V..... ${part}  Some words'`)
  const script = `#!/bin/sh\nif [ "$2" = -version ]; then echo 'ffmpeg version ${version} Copyright'; else\n${list.join('\n')}\nfi\n`
  await writeFile(join(place, 'ffmpeg'), script)
  await chmod(join(place, 'ffmpeg'), 0o755)
  return place
}

test('the ffmpeg of the system is preferred', async () => {
  const place = await pretend('complete', '6.1.1-3ubuntu5', everything)
  assert.deepEqual(await findFfmpeg(`relative:/nowhere:${place}`), {
    ffmpeg: join(place, 'ffmpeg'),
    version: '6.1.1-3ubuntu5',
    origin: 'system',
    lacks: [],
  })
})

test('one that is too old, or does not run, counts as none', async () => {
  const old = await pretend('old', '4.4.2', everything)
  const broken = join(folder, 'broken')
  await mkdir(broken)
  await writeFile(join(broken, 'ffmpeg'), '#!/bin/sh\nexit 127\n', { mode: 0o755 })
  assert.notEqual((await findFfmpeg(`${old}:${broken}`))?.origin, 'system')
})

test('one in a folder that depends on where the server was started is not run', async () => {
  const place = await pretend('here', '7.1', everything)
  assert.equal((await findFfmpeg(place))?.origin, 'system')
  assert.notEqual((await findFfmpeg(`${relative(process.cwd(), place)}:.:`))?.origin, 'system')
})

test('what a build came without is told', async () => {
  const place = await pretend('incomplete', 'n7.1', everything.replace(' zscale', ''))
  const found = await findFfmpeg(place)
  // Where npm brought a complete one, that is taken instead.
  if (found?.origin === 'npm') return
  assert.deepEqual(found?.lacks, ['zscale'])
  assert.match(describeFfmpeg(found), /lacks zscale, so some videos are kept but not shown/)
})

test('without any, a sentence says what to do', () => {
  assert.match(describeFfmpeg(null), /Install ffmpeg/)
})

test('on Linux with x64 npm brings one that can do everything', {
  skip: process.platform !== 'linux' || process.arch !== 'x64',
}, async () => {
  const found = await findFfmpeg('')
  assert.equal(found?.origin, 'npm')
  assert.deepEqual(found?.lacks, [])
})
