import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { streamZip, type ZipEntry } from './zip.ts'

const run = promisify(execFile)
const modifiedAt = new Date('2026-05-04T03:02:02Z')

const entryOf = (filename: string, bytes: Buffer): ZipEntry => ({
  filename,
  size: bytes.length,
  modifiedAt,
  open: async () => Readable.from([bytes], { objectMode: false }),
})

async function* each<T>(entries: T[]) {
  yield* entries
}

/** What Python's `zipfile`, an implementation that is not ours, finds in the archive. */
async function unzip(archive: Readable): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-zip-'))
  try {
    const path = join(folder, 'archive.zip')
    await pipeline(archive, createWriteStream(path))
    const script = `import sys, json, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps({i.filename: z.read(i).hex()[:80] + ('' if i.compress_type == 0 else ' deflated') for i in z.infolist()}))`
    const { stdout } = await run('python3', ['-c', script, path])
    return JSON.parse(stdout)
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('a ZIP of several files', () => {
  it('holds their bytes, stored, under safe and unique names', async () => {
    const hex = (text: string) => Buffer.from(text).toString('hex')
    const names = [
      'a.jpg',
      'a.jpg',
      '../../etc/passwd',
      '/abs',
      'b\0\u202e.jpg',
      '사진.jpg',
      '',
      `${'x'.repeat(4096)}.mp4`,
    ]
    const found = await unzip(streamZip(each(names.map((name, index) => entryOf(name, Buffer.from(`file ${index}`))))))
    assert.deepEqual(found, {
      'a.jpg': hex('file 0'),
      'a (2).jpg': hex('file 1'),
      '_.._etc_passwd': hex('file 2'),
      _abs: hex('file 3'),
      'b__.jpg': hex('file 4'),
      '사진.jpg': hex('file 5'),
      file: hex('file 6'),
      [`${'x'.repeat(251)}.mp4`]: hex('file 7'),
    })
  })

  it('may be of nothing, of empty files and of dates a ZIP cannot hold', async () => {
    assert.deepEqual(await unzip(streamZip(each([]))), {})
    const dated = (time: string) => ({ ...entryOf(`${time}.jpg`, Buffer.alloc(0)), modifiedAt: new Date(time) })
    const found = await unzip(streamZip(each(['1960-01-01', '2200-01-01', '2040-01-01'].map(dated))))
    assert.deepEqual(Object.values(found), ['', '', ''])
  })

  it('opens one file at a time, and the next only when somebody reads', async () => {
    let [open, most, opened] = [0, 0, 0]
    const bytes = randomBytes(1_000_000)
    const entries = Array.from({ length: 20 }, (_, index) => ({
      ...entryOf(`${index}.jpg`, bytes),
      async open() {
        opened++
        most = Math.max(most, ++open)
        return Readable.from([bytes], { objectMode: false }).on('close', () => open--)
      },
    }))
    const archive = streamZip(each(entries))
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.ok(opened <= 1)
    let size = 0
    for await (const chunk of archive) size += chunk.length
    assert.deepEqual([opened, most, open], [20, 1, 0])
    assert.ok(size > 20_000_000)
  })

  for (const [what, broken] of [
    ['cannot be opened', { open: () => Promise.reject(new Error('it is gone')) }],
    ['fails half-way', { open: async () => Readable.from(failing(), { objectMode: false }) }],
    ['is shorter than it was', { size: 100 }],
    ['is longer than it was', { size: 1 }],
  ] as const) {
    it(`breaks off visibly when a file ${what}`, async () => {
      const entries = [entryOf('a.jpg', Buffer.from('hello')), { ...entryOf('b.jpg', Buffer.from('hello')), ...broken }]
      await assert.rejects(streamZip(each([...entries, entryOf('c.jpg', Buffer.from('hello'))])).toArray())
    })
  }

  it('breaks off when the list of files does', async () => {
    async function* list() {
      yield entryOf('a.jpg', Buffer.from('hello'))
      throw new Error('the database is gone')
    }
    await assert.rejects(streamZip(list()).toArray(), /the database is gone/)
  })

  it('stops reading, closes the open file and leaves the list when the client stops', async () => {
    const bytes = randomBytes(10_000_000)
    const bodies: Readable[] = []
    const left = Promise.withResolvers<void>()
    async function* list() {
      try {
        for (let index = 0; ; index++) {
          yield {
            ...entryOf(`${index}.jpg`, bytes),
            async open() {
              const body = Readable.from(pieces(bytes), { objectMode: false })
              bodies.push(body)
              return body
            },
          }
        }
      } finally {
        left.resolve()
      }
    }
    const archive = streamZip(list())
    let read = 0
    for await (const chunk of archive) {
      read += chunk.length
      // Leaving the loop destroys the stream.
      if (read > 25_000_000) break
    }
    await left.promise
    assert.ok(bodies.every((body) => body.destroyed))
    assert.equal(bodies.length, 3)
  })
})

async function* failing() {
  yield Buffer.from('he')
  throw new Error('the disk is gone')
}

async function* pieces(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}
