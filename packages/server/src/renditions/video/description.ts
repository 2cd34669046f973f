/**
 * Reads what ffmpeg prints of a file that it opened (`av_dump_format` of libavformat). Taking ffmpeg's own word has two
 * merits: there is one way for every container, and what is decided is decided by the program that will decode. Lines
 * are told apart by their indent, which text from within the file never reaches: ffmpeg indents that further.
 */

export interface DescribedStream {
  /** Position in the file, as `-map 0:index` takes it. */
  index: number
  kind: 'video' | 'audio' | 'other'
  /** `none` when ffmpeg does not know it; then `tag` may tell. */
  codec: string
  /** What the container calls it, such as `avc1`. */
  tag: string | null
  profile: string | null
  /** Words of the line after the codec, split at commas outside of brackets. */
  fields: string[]
  /** A cover image, not a film. */
  isAttachedPicture: boolean
  isDefault: boolean
  /** Lines of side data: rotation, Dolby Vision. */
  sideData: string[]
}

export interface Description {
  /** Seconds; null when the file does not say. */
  duration: number | null
  streams: DescribedStream[]
}

export function readDescription(text: string): Description {
  const description: Description = { duration: null, streams: [] }
  let inSideData = false
  for (const line of text.split('\n')) {
    const duration = /^ {2}Duration: (\d+):(\d+):(\d+(?:\.\d+)?)/.exec(line)
    if (duration !== null) {
      const [, hours, minutes, seconds] = duration.map(Number)
      description.duration = (hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0)
    }
    // Only the input's streams: those of an output follow a line that names it.
    if (/^Output #/.test(line)) break
    const stream = /^ {2,4}Stream #0:(\d+)\S*: (\w+): (.*)$/.exec(line)
    if (stream !== null) {
      const [, index = '', kind = '', rest = ''] = stream
      description.streams.push(readStream(Number(index), kind, rest))
      inSideData = false
    } else if (/^ {4,6}Side data:/i.test(line)) inSideData = true
    else if (/^ {4,6}Metadata:/.test(line)) inSideData = false
    else if (inSideData) description.streams.at(-1)?.sideData.push(line.trim())
  }
  return description
}

function readStream(index: number, kind: string, rest: string): DescribedStream {
  const fields = splitFields(rest.replace(/(?: \([a-z ]+\))+$/, ''))
  // "hevc (Main 10) (hvc1 / 0x31637668)"; "av1 (libdav1d) (Main) (av01 / …)": a decoder's own name comes before the profile.
  const [codec = 'none', ...brackets] = (fields[0] ?? '').split(/ (?=\()/)
  const inBrackets = brackets.map((text) => text.replace(/^\(|\)$/g, ''))
  const tag = inBrackets.find((text) => text.includes(' / '))?.split(' / ')[0]
  const profile = inBrackets.findLast((text) => !text.includes(' / ') && !/^[a-z0-9_-]+$/.test(text))
  return {
    index,
    kind: kind === 'Video' ? 'video' : kind === 'Audio' ? 'audio' : 'other',
    codec,
    tag: tag ?? null,
    profile: profile ?? null,
    fields: fields.slice(1),
    isAttachedPicture: /\(attached pic\)/.test(rest),
    isDefault: /\(default\)/.test(rest),
    sideData: [],
  }
}

function splitFields(text: string): string[] {
  const fields: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') depth++
    else if (text[at] === ')') depth--
    else if (text[at] === ',' && depth === 0) {
      fields.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  return [...fields, text.slice(start).trim()]
}
