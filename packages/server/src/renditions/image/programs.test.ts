/** What happens to pictures when programs die, hang, lie or have nothing to do. */
import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { after, test } from 'node:test'
import { CannotDecode } from '../media.ts'
import { createImageDecoder, type ImageDecoder, type ImageLimits, type ImageSource } from './index.ts'
import { drawQuarters, everySize, sourceOf } from './testing/pictures.ts'
import { createUnconfinedSandbox, type UnconfinedSandbox } from './testing/unconfined.ts'

const photo = await drawQuarters(400, 300).jpeg().toBuffer()
const opened: ImageDecoder[] = []
after(() => Promise.all(opened.map((decoder) => decoder.close())))

function start(limits: Partial<ImageLimits> = {}, sandbox = createUnconfinedSandbox(), processes = 1) {
  const decoder = createImageDecoder({ sandbox, processes, limits })
  opened.push(decoder)
  return { decoder, sandbox, decode: (source = sourceOf(photo)) => decoder.decode(source, everySize) }
}

const lastPid = (sandbox: UnconfinedSandbox) => sandbox.started.at(-1)?.pid ?? 0

/** An original that comes only when it is let go; `asked` resolves when a program waits for it. */
function heldSource(): { source: ImageSource; asked: Promise<void>; letGo(): void } {
  const body = new PassThrough()
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const source = {
    ...sourceOf(photo),
    async open() {
      resolve()
      return body
    },
  }
  return { source, asked, letGo: () => void body.end(photo) }
}

/** An original over which programs are killed, so many times. */
function deadlySource(sandbox: UnconfinedSandbox, times: number): ImageSource {
  let deaths = 0
  return {
    ...sourceOf(photo),
    async open() {
      if (deaths < times) process.kill(lastPid(sandbox), 'SIGKILL')
      deaths += 1
      return Readable.from([photo])
    },
  }
}

test('a program that is killed in the middle costs nothing but another try', async () => {
  const { decode, sandbox } = start()
  const decoded = await decode(deadlySource(sandbox, 1))
  assert.equal(decoded.width, 400)
  assert.equal(sandbox.started.length, 2)
})

test('a picture over which two programs die is undecodable, and the next one is well', async () => {
  const { decode, sandbox } = start()
  await assert.rejects(
    decode(deadlySource(sandbox, 2)),
    (error) => error instanceof CannotDecode && error.reason === 'undecodable',
  )
  assert.equal((await decode()).width, 400)
  assert.equal(sandbox.started.length, 3)
})

test('a picture that takes too long is ended and refused, and the next one is well', async () => {
  // Clouds, drawn fifty times over.
  const slow = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="9000" height="9000"><filter id="f"><feTurbulence numOctaves="9" baseFrequency="0.3"/></filter>${'<rect width="9000" height="9000" filter="url(#f)"/>'.repeat(50)}</svg>`,
  )
  const { decode, sandbox } = start({ seconds: 1 })
  await decode()
  await assert.rejects(decode(sourceOf(slow)), (error) => error instanceof CannotDecode && error.reason === 'too-large')
  assert.deepEqual(await sandbox.started[0]?.ended, { how: 'aborted' })
  assert.equal((await decode()).width, 400)
})

test('an original that does not come blocks nobody for ever, and may come another time', async () => {
  const { decode, sandbox } = start({ seconds: 0.3 })
  const late = (error: unknown) => !(error instanceof CannotDecode) && /did not come/.test(String(error))
  await assert.rejects(decode(heldSource().source), late)
  await assert.rejects(decode({ ...sourceOf(photo), open: () => new Promise(() => undefined) }), late)
  assert.equal(sandbox.started.length, 2)
})

test('who gives up is let go at once, at work or in line', async () => {
  const { decoder, sandbox } = start()
  const { source, asked } = heldSource()
  const atWork = new AbortController()
  const first = decoder.decode(source, { ...everySize, signal: atWork.signal })
  const refused = assert.rejects(first, /left the room/)
  await asked
  const inLine = new AbortController()
  const second = assert.rejects(decoder.decode(sourceOf(photo), { ...everySize, signal: inLine.signal }), /tired/)
  inLine.abort(new Error('tired'))
  await second
  const third = decoder.decode(sourceOf(photo), everySize)
  atWork.abort(new Error('left the room'))
  await refused
  assert.equal((await third).width, 400)
  assert.equal(sandbox.started.length, 2)
})

test('what somebody waits for does not queue behind bulk work', async () => {
  const { decoder, sandbox } = start()
  const { source, asked, letGo } = heldSource()
  const bulk = decoder.decode(source, { ...everySize, priority: 'bulk' })
  await asked
  assert.equal((await decoder.decode(sourceOf(photo), everySize)).width, 400)
  letGo()
  assert.equal((await bulk).width, 400)
  assert.deepEqual(
    sandbox.started.map(({ priority }) => priority),
    ['bulk', 'interactive'],
  )
})

test('no more programs run than were allowed, and all pictures come in turn', async () => {
  const { decode, sandbox } = start({}, createUnconfinedSandbox(), 2)
  const decoded = await Promise.all(Array.from({ length: 7 }, () => decode()))
  assert.equal(decoded.length, 7)
  assert.equal(sandbox.started.length, 2)
})

test('a program is replaced after its number of pictures', async () => {
  const { decode, sandbox } = start({ pictures: 2 })
  for (let picture = 0; picture < 5; picture += 1) await decode()
  assert.equal(new Set(sandbox.started.map(({ pid }) => pid)).size, 3)
})

test('a program that has grown is replaced', async () => {
  const { decode, sandbox } = start({ memory: 2 ** 20 })
  await decode()
  await decode()
  assert.equal(sandbox.started.length, 2)
})

test('a program with nothing to do ends', async () => {
  const { decode, sandbox } = start({ idle: 0.05 })
  await decode()
  await sandbox.started[0]?.ended
  assert.equal((await decode()).width, 400)
  assert.equal(sandbox.started.length, 2)
})

test('an original that cannot be read fails as its store said, not as a bad picture', async () => {
  const { decode } = start()
  const lost = new Error('the disk is gone')
  const failing = (open: ImageSource['open']) => decode({ ...sourceOf(photo), open })
  await assert.rejects(
    failing(() => Promise.reject(lost)),
    lost,
  )
  const breaking = async () =>
    Readable.from(
      (async function* () {
        yield photo.subarray(0, 100)
        throw lost
      })(),
    )
  await assert.rejects(failing(breaking), lost)
  for (const wrong of [photo.subarray(1), Buffer.concat([photo, photo])])
    await assert.rejects(
      failing(async () => Readable.from([wrong])),
      (error) => !(error instanceof CannotDecode) && /bytes/.test(String(error)),
    )
  assert.equal((await decode()).width, 400)
})

test('an original of more bytes than may be is refused without being read', async () => {
  const { decode } = start({ input: photo.length - 1 })
  await assert.rejects(decode(), (error) => error instanceof CannotDecode && error.reason === 'too-large')
})

test('renditions of more bytes than may be are not taken in', async () => {
  const { decode } = start({ output: 100 })
  await assert.rejects(decode(), (error) => error instanceof CannotDecode && error.reason === 'undecodable')
})

/** Stands in for a program that a file has taken over. */
function saying(answer: string) {
  const script = `
    const frame = (json) => { const head = Buffer.alloc(4); head.writeUInt32LE(json.length); return Buffer.concat([head, Buffer.from(json)]) }
    process.stdout.write(frame('{"outcome":"ready"}'))
    process.stdin.once('data', () => process.stdout.write(frame(${answer})))`
  return createUnconfinedSandbox((program) => ({ ...program, args: ['-e', script] }))
}

test('a program that lies is believed nothing', async () => {
  const size = 10 ** 9
  const image = { name: '../../etc/passwd', contentType: 'text/html', width: 1, height: 1, size }
  const decoded = { outcome: 'decoded', width: 1, height: 1, animated: false, thumbhash: '', images: [image] }
  const lies = ['{}', '[]', '{"outcome":"ready"}', JSON.stringify(decoded)].map((lie) => JSON.stringify(lie))
  for (const lie of [...lies, '"x".repeat(300_000)']) {
    const { decode } = start({}, saying(lie))
    await assert.rejects(decode(), (error) => error instanceof CannotDecode && error.reason === 'undecodable')
  }
})

test('a program that does not start is nobody’s picture’s fault', async () => {
  const sandbox = createUnconfinedSandbox((program) => ({
    ...program,
    args: ['-e', 'console.error("no room"); process.exit(3)'],
  }))
  const { decode } = start({}, sandbox)
  await assert.rejects(
    decode(),
    (error) => !(error instanceof CannotDecode) && /did not start.*no room/.test(String(error)),
  )
})

test('closing ends all programs', async () => {
  const { decoder, decode, sandbox } = start({}, createUnconfinedSandbox(), 2)
  await Promise.all([decode(), decode(), decoder.decode(sourceOf(photo), { ...everySize, priority: 'bulk' })])
  await decoder.close()
  await Promise.all(sandbox.started.map(({ ended }) => ended))
  await assert.rejects(decode(), /closed/)
})
