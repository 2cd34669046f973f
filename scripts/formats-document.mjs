/** What became of the samples as a document: a table of formats, then one of files. */

/** In this order; a file belongs to the first that it fits. `none` stands where no sample is. */
const formats = [
  ['Hostile or damaged files', ({ name }) => /^hostile\/(?!s24ultra)|hostile_/.test(name)],
  ['Motion photos (JPEG, HEIC)', ({ name }) => name.startsWith('motion/')],
  ['Ultra HDR JPEG (gain map)', ({ name }) => /ultrahdr/i.test(name)],
  ['MPO (several pictures)', ({ name }) => /\.mpo$/i.test(name)],
  ['JPEG', ({ name }) => /\.jpe?g$/i.test(name)],
  ['PNG', ({ name }) => /\.png$/i.test(name)],
  ['WebP', ({ name }) => /\.webp$/i.test(name)],
  ['GIF', ({ name }) => /\.gif$/i.test(name)],
  ['AVIF', ({ name }) => /\.avifs?$/i.test(name)],
  ['HEIC, HEIF', ({ name }) => /\.hei[cf]$/i.test(name)],
  ['JPEG XL', ({ name }) => /\.jxl$/i.test(name)],
  ['TIFF', ({ name }) => /\.tiff?$/i.test(name)],
  ['SVG', ({ name }) => /\.svg$/i.test(name)],
  ...['DNG', 'GPR', 'CR2', 'CRW', 'NEF', 'ARW'].map((kind) => [
    `RAW: ${kind}`,
    ({ name }) => name.toUpperCase().endsWith(`.${kind}`),
  ]),
  ['Video: only sound', ({ tests }) => /no video track/i.test(tests)],
  ['Video: VVC', ({ name }) => /vvc/i.test(name)],
  ['Video: AV1', ({ name }) => /av1/i.test(name)],
  ['Video: VP9', ({ name }) => /vp9/i.test(name)],
  ['Video: HEVC, also HDR', ({ name, tests }) => /hevc/i.test(name + tests)],
  ['Video: H.264', ({ name }) => /\.(mp4|mov|m4v)$/i.test(name)],
  ['Others', () => true],
]

/** @param outcomes one for each sample; `made` names the programs and their versions, `minutes` how long it took. */
export function toDocument({ outcomes, minutes, made }) {
  const formatOf = Map.groupBy(outcomes, (outcome) => formats.findIndex(([, fits]) => fits(outcome)))
  const rows = formats
    .map(([format], index) => [format, formatOf.get(index) ?? []])
    .filter(([format, samples]) => format !== 'Others' || samples.length > 0)
    .map(([format, samples]) => formatRow(format, samples))
  return `# Formats

What Heliograph makes of files from many cameras and programs, and of files made to do harm. This page is generated: \`npm run formats --
<folder>\` starts a server, uploads a folder of samples through the command line, waits until they are settled and writes down what
became of each. This run: ${new Date().toISOString().slice(0, 10)}, ${outcomes.length} files, ${Math.ceil(minutes)} minutes, with ${made.join(', ')}.

Sizes are the names of the [guide](guide.md#photos-and-videos-to-look-at), as are the words for what fails. Whatever fails, the original is
kept and can be downloaded; only what is no photo or video by its first bytes is refused. Which decoder shows which format, and why, is in
[0031](decisions/0031-image-decoders.md) and [0032](decisions/0032-ffmpeg.md).

${table(['format', 'samples', 'shown', 'sizes', 'plays', 'date', 'place', 'camera', 'not shown'], rows)}

"date", "place" and "camera" count the samples that tell it and had it read; many samples do not tell it.

## File by file

${table(['file', 'what it tests', 'outcome', 'date', 'place', 'camera'], outcomes.map(fileRow))}
`
}

const sizes = ['thumb', 'small', 'preview', 'large']

function formatRow(format, samples) {
  if (samples.length === 0) return [format, 'no sample', '', '', '', '', '', '', '']
  const own = samples.filter(({ sameAs }) => sameAs === null)
  const count = (predicate) => String(own.filter(predicate).length)
  const shown = own.filter(({ asset }) => asset?.state === 'ready')
  return [
    format,
    String(samples.length),
    String(shown.length),
    sizes.filter((size) => shown.some((outcome) => madeOf(outcome).includes(size))).join(', '),
    [...new Set(shown.flatMap(playsAs))].join('; '),
    count(({ hasDate }) => hasDate),
    count(({ asset }) => asset !== null && asset.location !== null),
    count(({ asset }) => asset !== null && asset.camera !== null),
    notShown(samples),
  ]
}

function notShown(samples) {
  const reasons = samples.map(reasonOf).filter((reason) => reason !== null)
  return [...Map.groupBy(reasons, (reason) => reason)]
    .map(([reason, all]) => (all.length === 1 ? reason : `${all.length} × ${reason}`))
    .join('; ')
}

function reasonOf({ asset, refusal, sameAs }) {
  if (sameAs !== null) return 'there already'
  if (asset?.state === 'failed') return asset.failure
  if (asset?.state === 'processing') return 'still being converted'
  if (asset === null) return refusal === null ? 'unknown' : 'refused'
  return null
}

/** The sizes there are, of which the API gives the largest there is for the others. */
function madeOf({ asset }) {
  const side = Math.max(asset.width ?? 0, asset.height ?? 0)
  return sizes.filter((size, index) => asset.urls[size] !== null && (index === 0 || side > [0, 320, 720, 1_440][index]))
}

function playsAs({ asset, streams }) {
  const ways = []
  if (asset.urls.video !== null) ways.push('as it is, MP4')
  if (streams.length > 0) ways.push('converted, HLS')
  if (asset.urls.motion !== null) ways.push('its motion')
  if (asset.animated) ways.push('its original moves')
  return ways
}

function fileRow(outcome) {
  const { name, tests, asset, hasDate } = outcome
  return [
    `\`${visible(name)}\``,
    visible(tests),
    outcomeOf(outcome),
    hasDate ? asset.capturedAt.slice(0, 10) : '',
    asset !== null && asset.location !== null ? 'yes' : '',
    visible(asset?.camera ?? ''),
  ]
}

function outcomeOf(outcome) {
  const { asset, refusal, sameAs, streams } = outcome
  if (sameAs !== null) return `the same bytes as \`${visible(sameAs)}\`, kept once`
  if (asset === null)
    return refusal === null ? 'unknown' : `refused: ${visible(`${refusal.message} ${refusal.advice}`)}`
  if (asset.state === 'failed') return `\`failed\`: \`${asset.failure}\``
  const left = asset.processing?.left ?? []
  const made = [
    ...madeOf(outcome),
    ...(asset.urls.poster === null ? [] : ['poster']),
    ...(asset.urls.video === null ? [] : ['MP4']),
    ...streams.map((size) => `HLS ${size.replace('x', '×')}`),
    ...(asset.urls.motion === null ? [] : ['motion']),
    ...(asset.animated ? ['animated'] : []),
  ]
  const state = asset.state === 'ready' ? '`ready`' : '`processing`, still being converted when this was written'
  const further = asset.state === 'ready' && left.length > 0 ? `; still to come then: ${left.join(', ')}` : ''
  const length = asset.duration === null ? '' : `, ${asset.duration.toFixed(1)} s`
  return `${state} ${asset.width ?? '?'}×${asset.height ?? '?'}${length}: ${made.join(', ')}${further}`
}

/** Characters that show nothing, turn the direction of text or end a cell are written out. */
function visible(text) {
  return text
    .replace(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
      (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
    )
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll('`', "'")
}

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
