import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HlsVariant, masterPlaylist, mediaPlaylist, variantHeights } from './index.ts'

const variant: HlsVariant = {
  bandwidth: 2_500_000,
  averageBandwidth: 1_900_000,
  codecs: 'avc1.64001f,mp4a.40.2',
  frameRate: 30_000 / 1_001,
  hasAudio: true,
  init: { offset: 0, length: 1_380 },
  segments: [
    [4.004, 1_380, 900_000],
    [1.5, 901_380, 300_000],
  ],
}

test('a media playlist names the ranges of one file', () => {
  assert.equal(
    mediaPlaylist(variant, 'https://media.example/a.mp4?s=1'),
    `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="https://media.example/a.mp4?s=1",BYTERANGE="1380@0"
#EXTINF:4.004000,
#EXT-X-BYTERANGE:900000@1380
https://media.example/a.mp4?s=1
#EXTINF:1.500000,
#EXT-X-BYTERANGE:300000@901380
https://media.example/a.mp4?s=1
#EXT-X-ENDLIST
`,
  )
})

test('a master playlist offers the variants in the order given', () => {
  const silent = { ...variant, codecs: 'avc1.64001e', frameRate: null, bandwidth: 900_000, averageBandwidth: 800_000 }
  const offered = [
    { height: 720, width: 1_280, detail: variant },
    { height: 480, width: 854, detail: silent },
  ]
  assert.equal(
    masterPlaylist(offered, ({ height }) => `/v/${height}`),
    `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-STREAM-INF:BANDWIDTH=2500000,AVERAGE-BANDWIDTH=1900000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970
/v/720
#EXT-X-STREAM-INF:BANDWIDTH=900000,AVERAGE-BANDWIDTH=800000,CODECS="avc1.64001e",RESOLUTION=854x480
/v/480
`,
  )
})

test('no URL can add a line to a playlist', () => {
  for (const url of ['/a\n#EXT-X-ENDLIST', '/a"b', '#EXTM3U', '']) {
    assert.throws(() => mediaPlaylist(variant, url), TypeError)
  }
})

test('variants are made for the short side, never larger than it, and 720 comes first', () => {
  const heights = (width: number, height: number) => variantHeights({ width, height })
  assert.deepEqual(heights(3_840, 2_160), [720, 480, 1080])
  assert.deepEqual(heights(1_080, 1_920), [720, 480, 1080])
  assert.deepEqual(heights(1_280, 720), [720, 480])
  assert.deepEqual(heights(642, 642), [720, 480])
  assert.deepEqual(heights(500, 900), [720])
  assert.deepEqual(heights(320, 240), [480])
})
