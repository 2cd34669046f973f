import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { acceptedFiles, isHiddenFolder, kindOfFile } from './media-files.ts'

const kind = (name: string, type = '', size = 1000) => kindOfFile({ name, type, size })

describe('of what is dropped', () => {
  it('photos and videos are taken by their type or their name', () => {
    assert.equal(kind('IMG_1.HEIC'), 'media')
    assert.equal(kind('a.dng', 'application/octet-stream'), 'media')
    assert.equal(kind('no-ending', 'image/jpeg'), 'media')
  })

  it('what a system keeps for itself is passed over without a word', () => {
    for (const name of ['.DS_Store', '._IMG_1.JPG', 'Thumbs.db', 'desktop.ini']) assert.equal(kind(name), 'hidden')
    for (const name of ['__MACOSX', '@eaDir', '.git']) assert.ok(isHiddenFolder(name))
    assert.ok(!isHiddenFolder('2024 Summer'))
  })

  it('anything else is named as left out', () => {
    for (const name of ['notes.txt', 'a.pdf', 'IMG_1.xmp', 'README']) assert.equal(kind(name), 'other')
  })

  it('source code is no video although it ends like one', () => {
    assert.equal(kind('index.ts', 'video/mp2t', 1001), 'other')
    assert.equal(kind('00001.ts', 'video/mp2t', 188 * 1000), 'media')
  })

  it('the picker offers raw files too', () => {
    assert.match(acceptedFiles, /^image\/\*,video\/\*,/)
    assert.match(acceptedFiles, /\.nef/)
  })
})
