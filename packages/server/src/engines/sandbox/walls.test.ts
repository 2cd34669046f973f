import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { nodeProgram } from './node-program.ts'
import { childrenOf } from './process-tree.ts'
import { createSandbox } from './sandbox.ts'
import { program, script, shell } from './testing.ts'

const sandbox = await createSandbox()
const skip = sandbox.strength.missing ?? false

describe('walls', { skip }, () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'heliograph-walls-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('a program reaches no socket of the host: not TCP, not a path, not an abstract name', async () => {
    const path = join(folder, 'socket')
    const abstract = `\0heliograph-${randomUUID()}`
    const callers: string[] = []
    const servers = await Promise.all([
      listening({ port: 0, host: '127.0.0.1' }, () => callers.push('tcp')),
      listening({ path }, () => callers.push('path')),
      listening({ path: abstract }, () => callers.push('abstract')),
    ])
    const [tcp] = servers
    const port = tcp?.address()
    const targets = [
      typeof port === 'object' ? { port: port?.port, host: '127.0.0.1' } : null,
      { path },
      { path: abstract },
    ]
    const { output } = await script(
      sandbox,
      `import { connect } from 'node:net'
       for (const target of ${JSON.stringify(targets)}) {
         await new Promise((resolve) => {
           connect(target).on('connect', () => resolve(console.log('CONNECTED', target))).on('error', (error) => resolve(console.log(error.code)))
         })
       }`,
    )
    for (const server of servers) server.close()
    assert.deepEqual(output.trim().split('\n'), ['ENETUNREACH', 'ENOENT', 'ECONNREFUSED'])
    assert.deepEqual(callers, [])
  })

  test('a program reads what it was given and nothing beside it, on no way round', async () => {
    const given = join(folder, 'given')
    await mkdir(given)
    const canary = join(folder, 'canary')
    writeFileSync(canary, 'CANARY')
    writeFileSync(join(given, 'own'), 'its own')
    symlinkSync(canary, join(given, 'link'))
    const { output } = await shell(
      sandbox,
      `cd ${given} && cat own
       cat ${canary} link ../canary ${given}/../canary /proc/1/root${canary} /proc/self/root${canary} /proc/1/cwd${canary}
       cat /etc/passwd /etc/shadow /sys/${canary} /proc/1/environ
       ls -A ${folder} / /tmp /home /root /sys /proc/sys; cat /proc/self/mountinfo`,
      { readable: [given] },
    )
    assert.match(output, /^its own/)
    assert.doesNotMatch(output, /CANARY|root:/)
    assert.doesNotMatch(output, /^canary$|^shadow$|^kernel$/m)
  })

  test('a program writes into its folder and nowhere else', async () => {
    const [own, readable] = [join(folder, 'own-folder'), join(folder, 'readable')]
    await Promise.all([mkdir(own), mkdir(readable)])
    const name = `heliograph-${randomUUID()}`
    const { output } = await shell(
      sandbox,
      `pwd
       for folder in ${own} ${readable} ${folder} / /tmp /dev /proc /usr/bin /usr/lib /etc /var/tmp; do
         echo text > $folder/${name} && echo "wrote $folder"
       done`,
      { readable: [readable], writable: own },
    )
    assert.deepEqual(output.trim().split('\n'), [own, `wrote ${own}`])
    assert.equal(await readFile(join(own, name), 'utf8'), 'text\n')
    assert.deepEqual(await readdir(readable), [])
    for (const place of [folder, '/', '/tmp', '/usr/bin']) assert.equal(existsSync(join(place, name)), false, place)
  })

  test('a file inside the folder it writes to can be kept from it', async () => {
    const job = join(folder, 'job')
    await mkdir(job)
    const original = join(job, 'original')
    writeFileSync(original, 'precious')
    const { output } = await shell(sandbox, 'cat original; echo x > original; rm -f original; echo made > result', {
      readable: [original],
      writable: job,
    })
    assert.equal(output, 'precious')
    assert.equal(readFileSync(original, 'utf8'), 'precious')
    assert.equal(readFileSync(join(job, 'result'), 'utf8'), 'made\n')
  })

  test('a program sees no process of the host, and its signals reach none', async () => {
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore' })
    const gone = new Promise((resolve) => bystander.once('exit', resolve))
    try {
      const { output } = await shell(
        sandbox,
        `kill -9 ${bystander.pid} ${process.pid} ${process.ppid} 2> /dev/null
         ls /proc | grep -c '^[0-9]'
         cat /proc/[0-9]*/cmdline | tr '\\0' ' '
         kill -9 -1`,
      )
      const [count, ...lines] = output.split('\n')
      assert.ok(Number(count) <= 5, `saw ${count} processes`)
      assert.doesNotMatch(lines.join(), /sleep 60/)
      assert.equal(bystander.exitCode ?? bystander.signalCode, null)
    } finally {
      bystander.kill('SIGKILL')
      await gone
    }
  })

  test('a program learns nothing of the environment of the server', async () => {
    process.env.HELIOGRAPH_CANARY = 'SECRET'
    try {
      const { output } = await shell(sandbox, 'env; cat /proc/self/environ /proc/1/environ; uname -n')
      assert.doesNotMatch(output, /SECRET|DATABASE_URL|NODE_OPTIONS/)
      assert.match(output, /^PATH=/m)
    } finally {
      delete process.env.HELIOGRAPH_CANARY
    }
  })

  test('a program has no privilege and gains none', async () => {
    const { output } = await shell(
      sandbox,
      `grep -E '^(Cap|NoNewPrivs)' /proc/self/status
       unshare --user true && echo 'made a namespace'
       unshare --user --map-root-user --mount true && echo 'made a namespace'
       mount -t tmpfs none / && echo mounted
       chroot / true && echo 'changed its root'`,
    )
    assert.doesNotMatch(output, /^Cap\w+:\s*0*[^0\s]|^NoNewPrivs:\s*0|made|mounted|changed/m)
  })

  test('paths may have any characters', async () => {
    const odd = join(folder, `-a 'b' "c" $(d) \`e\` \\040 #f;\ng\t=é,ro:*`)
    await mkdir(join(odd, 'out put'), { recursive: true })
    const file = join(odd, '-n\nfile=1')
    writeFileSync(file, 'odd')
    const { output, complaints, ending } = await script(
      sandbox,
      `import { readFileSync, writeFileSync } from 'node:fs'
       process.stdout.write(readFileSync(${JSON.stringify(file)}))
       writeFileSync(${JSON.stringify(join(odd, 'out put', 'made'))}, process.argv.slice(1).join())`,
      { readable: [file], writable: join(odd, 'out put') },
    )
    assert.deepEqual([output, complaints, ending], ['odd', '', { how: 'exit', code: 0 }])
    assert.equal(existsSync(join(odd, 'out put', 'made')), true)
  })

  test('a Node program runs with native add-ons and WebAssembly, and does not see the checkout', async () => {
    const entry = new URL('./node-trial.ts', import.meta.url)
    const running = sandbox.start({
      ...program('', []),
      ...nodeProgram({ entry, args: ['one argument'], heap: 2 ** 27 }),
      limits: { memory: 2 ** 29, seconds: 30, fileSize: 0 },
    })
    const [output, complaints] = await Promise.all([
      running.stdout.toArray().then(String),
      running.stderr.toArray().then(String),
    ])
    assert.equal(complaints, '')
    assert.deepEqual(await running.ended, { how: 'exit', code: 0 })
    const seen = JSON.parse(output)
    assert.deepEqual(seen.arguments, ['one argument'])
    assert.deepEqual(seen.image, [2, 1])
    assert.equal(seen.sum, 42)
    assert.ok(seen.heap < 2 ** 28, `heap of ${seen.heap}`)
    assert.deepEqual(seen.beside.sort(), ['node_modules', 'packages'])
  })

  test('fifty starts leave no mount, process, descriptor or file', async () => {
    await shell(sandbox, 'exit 0')
    const state = () => ({
      mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length,
      children: childrenOf(process.pid),
      temporary: existsSync(folder),
    })
    const earlier = state()
    const descriptors = await openDescriptors()
    for (let batch = 0; batch < 5; batch++) {
      const endings = await Promise.all(Array.from({ length: 10 }, () => shell(sandbox, 'sleep 100 & exit 3')))
      for (const { ending } of endings) assert.deepEqual(ending, { how: 'exit', code: 3 })
    }
    assert.deepEqual(state(), earlier)
    assert.equal(await openDescriptors(), descriptors)
  })
})

function listening(where: object, called: () => void): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      called()
      socket.destroy()
    })
    server.listen(where, () => resolve(server))
  })
}

async function openDescriptors(): Promise<number> {
  return (await readdir('/proc/self/fd')).length
}
