import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { contentDisposition, safeDisposition } from './content-disposition.ts'
import { createUniqueNames, safeFilename } from './filename.ts'

describe('safeFilename', () => {
  for (const [name, safe] of [
    ['IMG_0042.HEIC', 'IMG_0042.HEIC'],
    ['Sommer 2026 – Ärger & Glück.jpg', 'Sommer 2026 – Ärger & Glück.jpg'],
    ['../../etc/passwd', '_.._etc_passwd'],
    ['.bashrc', 'bashrc'],
    ['/etc/passwd', '_etc_passwd'],
    ['C:\\Windows\\x.dll', 'C__Windows_x.dll'],
    ['..', 'file'],
    ['. . ', 'file'],
    ['', 'file'],
    ['a\0b\r\nc.jpg', 'a_b__c.jpg'],
    ['photo\u202egpj.exe', 'photo_gpj.exe'],
    ['CON', '_CON'],
    ['nul.txt', '_nul.txt'],
    ['con.jpg', '_con.jpg'],
    ['name. ', 'name'],
    ['half\ud800.jpg', 'half\ufffd.jpg'],
  ] as const) {
    it(`makes ${JSON.stringify(name)} ${JSON.stringify(safe)}`, () => assert.equal(safeFilename(name), safe))
  }

  it('cuts long names between characters and keeps the extension', () => {
    const family = '👨‍👩‍👧'
    const name = safeFilename(`${family.repeat(200)}.jpeg`)
    assert.ok(Buffer.byteLength(name) <= 255)
    assert.match(name, new RegExp(`^(?:${family})+\\.jpeg$`, 'u'))
    assert.equal(Buffer.byteLength(safeFilename('a'.repeat(4096))), 255)
    assert.equal(Buffer.byteLength(safeFilename(`.${'a'.repeat(4096)}`)), 255)
    assert.match(safeFilename(`${'写'.repeat(2000)}.jpg`, 240), /写\.jpg$/)
    assert.ok(Buffer.byteLength(safeFilename(`${'写'.repeat(2000)}.jpg`, 240)) <= 240)
  })

  it('is always one safe segment', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
        const safe = safeFilename(name)
        assert.ok(safe !== '' && safe !== '.' && safe !== '..' && Buffer.byteLength(safe) <= 255)
        assert.doesNotMatch(safe, /[\p{Cc}/\\\u202a-\u202e\u2066-\u2069\u200e\u200f]/u)
        assert.equal(safeFilename(safe), safe)
      }),
      { numRuns: 200 },
    )
  })
})

describe('unique names', () => {
  it('number repeats, also where only case differs or the number is taken', () => {
    const unique = createUniqueNames()
    assert.deepEqual(['a.jpg', 'A.JPG', 'a (3).jpg', 'a.jpg', 'noext', 'noext', 'a.tar.gz', 'a.tar.gz'].map(unique), [
      'a.jpg',
      'A (2).JPG',
      'a (3).jpg',
      'a (4).jpg',
      'noext',
      'noext (2)',
      'a.tar.gz',
      'a.tar (2).gz',
    ])
  })

  it('stay within the length and unique, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('x'.repeat(300), `${'ü'.repeat(200)}.jpg`, 'a', '..', 'x'.repeat(255))),
        (names) => {
          const given = names.map(createUniqueNames())
          assert.equal(new Set(given.map((name) => name.toLowerCase())).size, names.length)
          for (const name of given) assert.ok(Buffer.byteLength(name) <= 255)
        },
      ),
    )
  })
})

describe('Content-Disposition', () => {
  for (const [filename, header] of [
    ['one.jpg', 'attachment; filename="one.jpg"'],
    ['a "quoted" \\ name.jpg', 'attachment; filename="a _quoted_ _ name.jpg"'],
    ['50% off.jpg', `attachment; filename="50_ off.jpg"; filename*=UTF-8''50%25%20off.jpg`],
    ["사진's (1).jpg", `attachment; filename="__'s (1).jpg"; filename*=UTF-8''%EC%82%AC%EC%A7%84%27s%20%281%29.jpg`],
    ['x\r\nSet-Cookie: a=b', 'attachment; filename="x__Set-Cookie_ a=b"'],
    [null, 'attachment'],
  ] as const) {
    it(`of ${JSON.stringify(filename)} is ${header}`, () => {
      assert.equal(contentDisposition('attachment', filename), header)
    })
  }

  it('shows pictures, film and sound, and nothing that could run script', () => {
    for (const type of ['image/jpeg', 'image/heic', 'video/mp4', 'audio/mpeg']) {
      assert.equal(safeDisposition(type, 'inline'), 'inline')
      assert.equal(safeDisposition(type, 'attachment'), 'attachment')
    }
    for (const type of [
      'image/svg+xml',
      'IMAGE/SVG+XML',
      'text/html',
      'text/xml',
      'application/xml',
      'text/plain',
      'x',
    ]) {
      assert.equal(safeDisposition(type, 'inline'), 'attachment')
    }
  })
})
