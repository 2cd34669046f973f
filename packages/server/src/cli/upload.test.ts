import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { jpeg, sha256 } from '../testing/photos.ts'
import { startTestServer, type TestServer } from '../testing/server.ts'
import { getCommand } from './get.ts'
import { listCommand } from './list.ts'
import { loginCommand, logoutCommand } from './login.ts'
import { uploadCommand } from './upload.ts'
import { runForTest } from './upload-testing.ts'

let server: TestServer
let folder: string
let env: Record<string, string>

before(async () => {
  server = await startTestServer()
  folder = await mkdtemp(join(tmpdir(), 'heliograph-cli-'))
  env = { XDG_CONFIG_HOME: join(folder, 'config'), HELIOGRAPH_SERVER: server.address }
})
after(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

const photos = () => join(folder, 'photos')
const upload = (...argv: string[]) => runForTest(uploadCommand, argv, { env, cwd: folder })
const get = (...argv: string[]) => runForTest(getCommand, argv, { env, cwd: folder })
const summaryOf = async (...argv: string[]) => JSON.parse((await upload('--json', ...argv)).stdout)

describe('the first upload to a new server', () => {
  it('makes the account, keeps the token for its owner only, and puts the folder in', async () => {
    await mkdir(join(photos(), 'trip'), { recursive: true })
    await writeFile(join(photos(), 'a.jpg'), jpeg(5000))
    await writeFile(join(photos(), 'trip', 'no extension'), jpeg(6000))
    await writeFile(join(photos(), 'notes.txt'), 'not a photo')
    await writeFile(join(photos(), '.hidden.jpg'), jpeg(200))
    await symlink(photos(), join(photos(), 'trip', 'loop'))

    const { code, stdout, stderr } = await upload('photos')
    assert.equal(code, 0, stderr)
    assert.match(stderr, /Password {2}\S{20,}/)
    assert.match(stdout, /Uploaded +2 files/)
    assert.match(stdout, /Skipped +1 file/)
    const credentials = join(folder, 'config', 'heliograph', 'credentials.json')
    assert.equal((await stat(credentials)).mode & 0o777, 0o600)
  })

  it('is not repeated by the second one', async () => {
    const { code, stdout, stderr } = await upload('photos')
    assert.equal(code, 0)
    assert.match(stdout, /Already there +2 files/)
    assert.doesNotMatch(stderr, /Password/)
  })
})

describe('uploading', () => {
  it('sends large files in parts and brings them back whole', async () => {
    const bytes = jpeg(20_000_000)
    await writeFile(join(folder, 'large.jpg'), bytes)
    assert.equal((await summaryOf('large.jpg')).uploaded, 1)
    const { code, stdout } = await get('large.jpg', '-o', 'out')
    assert.equal(code, 0)
    assert.equal(stdout, 'out/large.jpg\n')
    assert.equal(sha256(await readFile(join(folder, 'out', 'large.jpg'))), sha256(bytes))
  })

  it('says what failed and why, and goes on with the rest', async () => {
    await mkdir(join(folder, 'mixed'))
    await writeFile(join(folder, 'mixed', 'page.jpg'), '<html><body>Not found</body></html>')
    await writeFile(join(folder, 'mixed', 'empty.mov'), '')
    await writeFile(join(folder, 'mixed', 'good.jpg'), jpeg(7000))
    const { code, stdout } = await upload('mixed', 'missing.jpg')
    assert.equal(code, 1)
    assert.match(stdout, /Uploaded +1 file/)
    assert.match(stdout, /Failed +3 files/)
    assert.match(stdout, /bytes are something else[\s\S]*mixed\/page\.jpg/)
    assert.match(stdout, /no bytes[\s\S]*mixed\/empty\.mov/)
    assert.match(stdout, /does not exist[\s\S]*missing\.jpg/)
  })

  it('takes a file out of the trash again', async () => {
    const { stdout } = await runForTest(listCommand, ['--json'], { env })
    const asset = JSON.parse(stdout.split('\n')[0] ?? '')
    await ask('DELETE', `/v1/assets/${asset.id}`)
    assert.equal((await summaryOf('large.jpg', 'mixed', 'photos')).restored, 1)
  })

  it('continues after Ctrl-C without sending again what is stored', async () => {
    const bytes = jpeg(120_000_000)
    await writeFile(join(folder, 'huge.jpg'), bytes)
    const ctrlC = new AbortController()
    const running = runForTest(uploadCommand, ['huge.jpg', '--json'], { env, cwd: folder, signal: ctrlC.signal })
    await untilSomePartsAreStored()
    ctrlC.abort()
    const interrupted = await running
    assert.equal(interrupted.code, 130)
    assert.equal(JSON.parse(interrupted.stdout).stopped, 'interrupted')
    const resumed = await summaryOf('huge.jpg')
    assert.equal(resumed.uploaded, 1)
    assert.ok(resumed.bytesSent < bytes.length, `${resumed.bytesSent} bytes were sent again`)
  })

  it('only says what it would do with --dry-run', async () => {
    await writeFile(join(folder, 'new.jpg'), jpeg(3000))
    const { code, stdout } = await upload('--dry-run', 'new.jpg')
    assert.equal(code, 0)
    assert.match(stdout, /1 file, 3\.0 KB would be uploaded/)
    assert.equal((await summaryOf('new.jpg')).uploaded, 1)
  })
})

async function untilSomePartsAreStored(): Promise<void> {
  for (let stored = 0; stored === 0; await setTimeout(5)) {
    const { rows } = await server.engines.pool.query(`select id from upload where state = 'uploading' and size > 1e8`)
    if (rows.length > 0) stored = JSON.parse(await ask('GET', `/v1/uploads/${rows[0].id}`)).received.length
  }
}

/** A call with the token that the commands keep. */
async function ask(method: string, path: string): Promise<string> {
  const { servers } = JSON.parse(await readFile(join(folder, 'config', 'heliograph', 'credentials.json'), 'utf8'))
  const headers = { authorization: `Bearer ${servers[server.address].token}` }
  const answer = await fetch(server.address + path, { method, headers })
  return answer.text()
}

describe('getting files back', () => {
  it('never replaces another file unless it is told to', async () => {
    await mkdir(join(folder, 'mine'))
    await writeFile(join(folder, 'mine', 'a.jpg'), 'my own')
    const refused = await get('a.jpg', '-o', 'mine')
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /--force/)
    assert.equal(await readFile(join(folder, 'mine', 'a.jpg'), 'utf8'), 'my own')
    assert.equal((await get('a.jpg', '-o', 'mine', '--force')).code, 0)
    const again = await get('a.jpg', '-o', 'mine')
    assert.match(again.stdout, /is there already/)
  })

  it('says when there is no such file', async () => {
    const { code, stderr } = await get('nothing.jpg')
    assert.equal(code, 1)
    assert.match(stderr, /no "nothing\.jpg" in your library/)
  })
})

describe('signing in and out', () => {
  it('uses the password from standard input and forgets the token at the end', async () => {
    await server.register('ada')
    const own = { XDG_CONFIG_HOME: join(folder, 'ada') }
    const argv = ['--server', server.address, '--email', 'ada@example.org', '--password-stdin']
    const wrong = await runForTest(loginCommand, argv, { env: own, input: 'wrong password\n' })
    assert.equal(wrong.code, 2)
    const right = await runForTest(loginCommand, argv, { env: own, input: 'correct horse battery\n' })
    assert.equal(right.code, 0, right.stderr)
    // The server signed in to last is the one meant from now on.
    assert.equal((await runForTest(listCommand, [], { env: own })).code, 0)
    assert.equal((await runForTest(logoutCommand, [], { env: own })).code, 0)
    const after = await runForTest(listCommand, ['--server', server.address], { env: own })
    assert.equal(after.code, 2)
    assert.match(after.stderr, /heliograph login/)
  })

  it('names the command that starts a server when none answers', async () => {
    const { code, stderr } = await runForTest(listCommand, ['--server', 'http://127.0.0.1:1'], { env: {} })
    assert.equal(code, 1)
    assert.match(stderr, /npm start/)
  })
})

it('lists the newest first, as a table and as JSON', async () => {
  const { stdout } = await runForTest(listCommand, ['--limit', '2'], { env })
  assert.equal(stdout.trimEnd().split('\n').length, 2)
  const json = await runForTest(listCommand, ['--json', '--all'], { env })
  const assets = json.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.ok(assets.some(({ filename }) => filename === 'large.jpg'))
})
