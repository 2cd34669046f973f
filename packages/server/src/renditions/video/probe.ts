/** What is in a video, and whether it must be converted before everybody can watch it. */
import { stat } from 'node:fs/promises'
import { CannotDecode } from '../media.ts'
import { type DescribedStream, readDescription } from './description.ts'
import { isMirrored } from './display-matrix.ts'
import { type Container, containerOf, isPictureCodec, isSoundCodec } from './formats.ts'
import type { RunFfmpeg } from './run-ffmpeg.ts'

export interface VideoProbe {
  container: Container
  /** Bytes of the file. */
  size: number
  /** Seconds; null when the file does not say. */
  duration: number | null
  /** Bits a second of the whole file; null without a duration. */
  bitRate: number | null
  picture: Picture | null
  sound: Sound | null
  /** Every current browser plays the file as it is, once its index is at the start: `fastStart` suffices. */
  playsEverywhere: boolean
}

export interface Picture {
  index: number
  codec: string
  profile: string | null
  /** Pixels as shown: turned upright, pixels square. */
  width: number
  height: number
  /** Pixels as coded, which memory depends on. */
  coded: { width: number; height: number }
  /** Degrees clockwise that the picture is turned for showing. */
  rotation: 0 | 90 | 180 | 270
  isMirrored: boolean
  isInterlaced: boolean
  /** Frames a second on average; null when unknown. */
  frameRate: number | null
  /** Screen recordings and the like, where the average says little. */
  hasVariableRate: boolean
  pixelFormat: string
  bitDepth: number
  colour: Colour
  /** The HDR transfer: PQ (SMPTE ST 2084) or HLG (ARIB STD-B67). */
  hdr: 'pq' | 'hlg' | null
}

/** ffmpeg's names (ITU-T H.273); null is unknown. */
export interface Colour {
  matrix: string | null
  primaries: string | null
  transfer: string | null
}

export interface Sound {
  index: number
  codec: string
  profile: string | null
}

/** Pixels of a frame: 8K with some room. Beyond, one frame alone takes the memory that a file may use. */
const maxPixels = 8_192 * 4_608

const probeLimits = { memory: 2 ** 31, seconds: 60, fileSize: 0 }

/**
 * `contentType` is what the file's signature said when it was uploaded. Throws `CannotDecode` for what is no video, is
 * damaged, or is coded in a way nothing here decodes.
 */
export async function probeVideo(
  run: RunFfmpeg,
  path: string,
  contentType: string,
  signal: AbortSignal,
): Promise<VideoProbe> {
  const container = containerOf(contentType)
  if (container === undefined) throw new CannotDecode('unsupported', `${contentType} is no video that can be opened.`)
  const { size } = await stat(path)
  const { messages } = await run({
    input: { path, container },
    // ffmpeg describes what it opened; the empty output only lets it end in peace.
    outputOptions: ['-map_metadata', '-1', '-f', 'ffmetadata', 'pipe:1'],
    scratch: null,
    limits: probeLimits,
    priority: 'interactive',
    signal,
  })
  const { duration, streams } = readDescription(messages)
  const bitRate = duration === null || duration === 0 ? null : (size * 8) / duration
  const sound = choose(streams.filter((stream) => stream.kind === 'audio' && isSoundCodec(stream.codec)))
  const film = choose(streams.filter((stream) => stream.kind === 'video' && !stream.isAttachedPicture))
  if (film === undefined && sound === undefined) {
    throw new CannotDecode('undecodable', 'There is neither a picture nor sound in this file.')
  }
  const picture = film === undefined ? null : readPicture(film, container === 'mov' && (await isMirrored(path)))
  const probe = { container, size, duration, bitRate, picture, sound: sound === undefined ? null : readSound(sound) }
  return { ...probe, playsEverywhere: playsEverywhere(probe) }
}

const choose = (streams: DescribedStream[]) => streams.find((stream) => stream.isDefault) ?? streams[0]

const readSound = ({ index, codec, profile }: DescribedStream): Sound => ({ index, codec, profile })

function readPicture(stream: DescribedStream, isMirrored: boolean): Picture {
  const { index, codec, tag, profile, fields, sideData } = stream
  if (!isPictureCodec(codec)) {
    const name = codec === 'none' ? (tag ?? 'something unknown') : codec.toUpperCase()
    throw new CannotDecode('unsupported', `This video is coded as ${name}, which nothing here decodes.`)
  }
  // Profile 5 has colours of its own, which only Dolby's decoders know: elsewhere it shows green and purple.
  if (sideData.some((line) => /^DOVI .*profile: 5\b/.test(line))) {
    throw new CannotDecode('unsupported', 'This video is in a form of Dolby Vision that only Dolby decoders can show.')
  }
  const coded = fields.map((field) => /^(\d+)x(\d+)\b/.exec(field)).find((match) => match !== null)
  const [codedWidth, codedHeight] = [Number(coded?.[1] ?? 0), Number(coded?.[2] ?? 0)]
  if (codedWidth === 0 || codedHeight === 0) throw new CannotDecode('undecodable', 'This video has no picture size.')
  if (codedWidth * codedHeight > maxPixels) {
    throw new CannotDecode('too-large', `Pictures of ${codedWidth}×${codedHeight} pixels are too large to decode.`)
  }

  const shape = fields.map((field) => /\bSAR (\d+):(\d+)/.exec(field)).find((match) => match !== null)
  // Pixels that are not square are stretched to the side, as players do. What is beyond any camera's is a lie.
  const ratio = Number(shape?.[1] ?? 1) / Number(shape?.[2] ?? 1)
  const width = ratio > 0.25 && ratio < 4 ? Math.max(1, Math.round(codedWidth * ratio)) : codedWidth

  const turned = sideData.map((line) => /^displaymatrix: rotation of (-?[\d.]+)/.exec(line)).find((m) => m !== null)
  // ffmpeg counts counter-clockwise.
  const rotation = quarterTurn(-Number(turned?.[1] ?? 0))
  const isOnItsSide = rotation === 90 || rotation === 270

  const [, pixelFormat = 'unknown', inBrackets = ''] = /^([a-z0-9]+)(?:\((.*)\))?$/.exec(fields[0] ?? '') ?? []
  const colour = readColour(inBrackets)
  const frameRate = readRate(fields, 'fps')
  const finestRate = readRate(fields, 'tbr')
  return {
    index,
    codec,
    profile,
    width: isOnItsSide ? codedHeight : width,
    height: isOnItsSide ? width : codedHeight,
    coded: { width: codedWidth, height: codedHeight },
    rotation,
    isMirrored,
    isInterlaced: /\b(?:top|bottom) (?:first|coded first)/.test(inBrackets),
    frameRate: frameRate === null ? null : exactFrameRate(frameRate),
    hasVariableRate: frameRate === null || finestRate === null || Math.abs(frameRate / finestRate - 1) > 0.1,
    pixelFormat,
    bitDepth: Number(/p(?:0)?(9|10|12|14|16)(?:le|be)$/.exec(pixelFormat)?.[1] ?? 8),
    colour,
    hdr: colour.transfer === 'smpte2084' ? 'pq' : colour.transfer === 'arib-std-b67' ? 'hlg' : null,
  }
}

function quarterTurn(degrees: number): Picture['rotation'] {
  const turns = Math.round(degrees / 90)
  const quarters = (((Number.isFinite(turns) ? turns : 0) % 4) + 4) % 4
  return ([0, 90, 180, 270] as const)[quarters] ?? 0
}

/** "tv, bt2020nc/bt2020/arib-std-b67, progressive": matrix, primaries, transfer; one name alone is all three. */
function readColour(inBrackets: string): Colour {
  const names = inBrackets
    .split(',')
    .map((word) => word.trim())
    .find(
      (word) => /^[a-z0-9-]+\/[a-z0-9-]+\/[a-z0-9-]+$/.test(word) || /^(?:bt|smpte|arib|film|iec|ycgco|gbr)/.test(word),
    )
  const [matrix, primaries = matrix, transfer = matrix] = names?.split('/') ?? []
  const known = (name: string | undefined) => (name === undefined || name === 'unknown' ? null : name)
  return { matrix: known(matrix), primaries: known(primaries), transfer: known(transfer) }
}

/** "29.97 fps", or "57.6k tbr"; null when it is not told. */
function readRate(fields: string[], unit: 'fps' | 'tbr'): number | null {
  for (const field of fields) {
    const [, number, thousand, found] = /^([\d.]+)(k?) (\w+)$/.exec(field) ?? []
    if (found === unit && Number(number) > 0) return Number(number) * (thousand === 'k' ? 1_000 : 1)
  }
  return null
}

/** ffmpeg prints two digits; the rates of television are 1000/1001 of a whole number (SMPTE ST 12-1). */
function exactFrameRate(printed: number): number {
  const television = Math.round(printed * 1.001) / 1.001
  return Math.abs(television - printed) < 0.006 && !Number.isInteger(printed) ? television : printed
}

/** H.264 of 8 bits and AAC, of a size and rate that every phone decodes and most connections carry. */
function playsEverywhere({ container, bitRate, picture, sound }: Omit<VideoProbe, 'playsEverywhere'>): boolean {
  return (
    (container === 'mov' || container === 'matroska') &&
    picture !== null &&
    picture.codec === 'h264' &&
    ['Baseline', 'Constrained Baseline', 'Main', 'High'].includes(picture.profile ?? '') &&
    ['yuv420p', 'yuvj420p'].includes(picture.pixelFormat) &&
    picture.hdr === null &&
    !picture.isInterlaced &&
    !picture.isMirrored &&
    Math.min(picture.width, picture.height) <= 1_080 &&
    Math.max(picture.width, picture.height) <= 1_920 &&
    (picture.frameRate ?? 0) <= 61 &&
    bitRate !== null &&
    bitRate <= 8_000_000 &&
    (sound === null || (sound.codec === 'aac' && ['LC', 'HE-AAC', 'HE-AACv2'].includes(sound.profile ?? '')))
  )
}
