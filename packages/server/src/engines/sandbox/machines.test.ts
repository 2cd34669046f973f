import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createSandbox, type SandboxStrength } from './sandbox.ts'

interface Trial {
  strength: SandboxStrength
  endings: string[]
  sees: string
  reads: string
  learns: boolean
}

const { strength } = await createSandbox()
const skip = strength.missing ?? false
const skipForRoot = skip || (process.getuid?.() === 0 ? false : 'Only root can become another user.')

describe('machines that allow less', { skip }, () => {
  let folder: string
  let canary: string
  let given: string
  let below: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'heliograph-machines-'))
    // Others may go through, so that nothing but the walls keeps an ordinary user out.
    chmodSync(folder, 0o755)
    canary = join(folder, 'canary')
    writeFileSync(canary, 'CANARY', { mode: 0o644 })
    given = join(folder, 'given')
    below = join(given, 'below')
    mkdirSync(below, { recursive: true })
    writeFileSync(join(given, 'own'), 'own,')
    writeFileSync(join(below, 'own'), 'below')
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** Prepares by a shell, and goes on with `"$@"`. */
  const trial = async (...machine: string[]): Promise<Trial> => {
    const [command = '', ...args] = machine
    const program = fileURLToPath(new URL('./machine-trial.ts', import.meta.url))
    const env = { PATH: process.env.PATH, HELIOGRAPH_CANARY: 'SECRET' }
    const { stdout } = await promisify(execFile)(command, [...args, process.execPath, program, canary, given], { env })
    return JSON.parse(stdout)
  }
  const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']
  const asRoot = ['unshare', '--user', '--map-root-user']
  const ended = ['exit', 'time', 'memory']

  test('an ordinary user has walls', { skip: skipForRoot }, async () => {
    const { strength, endings, sees, reads, learns } = await trial(...nobody)
    assert.deepEqual([strength.level, endings, sees, reads, learns], ['full', ended, '', 'own,below', false])
  })

  test('root without privileges outside has walls', async () => {
    const { strength, endings, sees, reads, learns } = await trial(...asRoot)
    assert.deepEqual([strength.level, endings, sees, reads, learns], ['full', ended, '', 'own,below', false])
  })

  test('a container that hides parts of /proc has walls without one', async () => {
    const hide = 'mount -t tmpfs tmpfs /proc/fs && exec setpriv --bounding-set=-sys_admin -- "$@"'
    const { strength, endings, sees, reads, learns } = await trial(...asRoot, '--mount', '/bin/sh', '-c', hide, 'hide')
    assert.deepEqual([strength.level, endings, sees, reads, learns], ['full', ended, '', 'own,below', false])
  })

  test('a folder with another file system below it is shown whole, and read-only', async () => {
    const mount = `mount -t tmpfs -o mode=777,noexec,nosuid,nodev tmpfs ${below} && printf below > ${below}/own && exec setpriv --bounding-set=-sys_admin -- "$@"`
    const { strength, reads } = await trial(...asRoot, '--mount', '/bin/sh', '-c', mount, 'mount')
    assert.deepEqual([strength.level, reads], ['full', 'own,below'])
  })

  test('where namespaces are forbidden the limits hold, and it says what is missing', async () => {
    const forbid =
      'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin -- "$@"'
    const { strength, endings, sees, learns } = await trial(...asRoot, '/bin/sh', '-c', forbid, 'forbid')
    assert.deepEqual([strength.level, endings, sees, learns], ['limits-only', ended, 'CANARY', false])
    assert.match(strength.missing ?? '', /unshare failed.*user\.max_user_namespaces/)
  })
})
