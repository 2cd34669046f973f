import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Progress, renderProgress } from './progress.ts'
import { displayWidth, fitText, formatBytes, formatDuration, nameCell, safeText } from './progress-text.ts'

describe('names on a terminal', () => {
  it('cannot move the cursor, break lines or turn the direction', () => {
    assert.equal(safeText('a\x1b[2Jb\nc\u202egpj.exe\u0007\u009b1m'), 'a\ufffd[2Jb\ufffdc\ufffdgpj.exe\ufffd\ufffd1m')
    assert.equal(safeText('häuser 写真 🏔️.jpg'), 'häuser 写真 🏔️.jpg')
  })

  it('keep their start and end when they are cut', () => {
    assert.equal(fitText('IMG_20260101_123456_HDR.jpg', 13), 'IMG_20…DR.jpg')
  })

  it('take exactly the columns they are given, wide characters counted double', () => {
    for (const name of [
      'a',
      'a very long name that goes on and on.jpg',
      '写真と日本語の名前がとても長い場合の例.jpg',
      '👩‍👩‍👧‍👦👩‍👩‍👧‍👦.jpg',
    ]) {
      assert.equal(displayWidth(nameCell(name, 20)), 20, name)
    }
  })
})

describe('the progress of an upload', () => {
  const progress: Progress = {
    files: 12,
    filesDone: 3,
    bytes: 2_000_000_000,
    bytesDone: 500_000_000,
    bytesPerSecond: 10_000_000,
    inFlight: [{ name: 'IMG_0001.jpg', size: 5_000_000, activity: 'uploading', fraction: 0.5 }],
  }

  it('fits every width and says how far it is', () => {
    for (const columns of [20, 40, 79, 200]) {
      for (const line of renderProgress(progress, columns, false)) assert.ok(displayWidth(line) <= columns, line)
    }
    const [whole, file] = renderProgress(progress, 79, false)
    assert.match(whole ?? '', /25% 3\/12 files, 500 MB\/2\.0 GB, 10\.0 MB\/s, 2:30 left/)
    assert.match(file ?? '', /IMG_0001\.jpg +5\.0 MB uploading █████░░░░░ {2}50%/)
  })

  it('is without colour when it has to be', () => {
    assert.ok(renderProgress(progress, 79, false).every((line) => !line.includes('\x1b')))
  })
})

it('writes sizes and times as people read them', () => {
  assert.deepEqual([0, 999, 1000, 99_940, 123_456, 999_999, 4_812_331].map(formatBytes), [
    '0 B',
    '999 B',
    '1.0 KB',
    '99.9 KB',
    '123 KB',
    '1.0 MB',
    '4.8 MB',
  ])
  assert.deepEqual([7, 200, 3723].map(formatDuration), ['0:07', '3:20', '1:02:03'])
})
