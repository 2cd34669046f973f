/**
 * Photos and videos for a demonstration, made here: landscapes from several cameras over some years, most with a place. The same
 * number is the same file on each run, so that a library that has it does not take it twice.
 */
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { createRandom, drawScene, type Scene, scenes } from './demo-scenes.ts'

export interface Picture {
  filename: string
  scene: Scene
  /** Pixels. */
  width: number
  height: number
  seed: number
  /** Local time where it was taken, `2025-06-01T18:20:00`. */
  takenAt: string
  camera: Camera
  place: Place | null
}

interface Camera {
  make: string
  model: string
  prefix: string
}

interface Place {
  latitude: number
  longitude: number
  /** From UTC, as EXIF writes it. */
  offset: string
}

const cameras: Camera[] = [
  { make: 'Apple', model: 'iPhone 17 Pro', prefix: 'IMG_' },
  { make: 'Google', model: 'Pixel 10', prefix: 'PXL_' },
  { make: 'FUJIFILM', model: 'X-T5', prefix: 'DSCF' },
  { make: 'SONY', model: 'ILCE-7M4', prefix: 'DSC0' },
]

/** Where each kind of landscape was found. */
const places: Record<Scene, Place> = {
  mountains: { latitude: 46.5586, longitude: 7.8956, offset: '+02:00' },
  sea: { latitude: 37.0902, longitude: 25.1517, offset: '+03:00' },
  dunes: { latitude: 31.0801, longitude: -4.0133, offset: '+01:00' },
  forest: { latitude: 61.8474, longitude: 24.2861, offset: '+03:00' },
  city: { latitude: 37.5512, longitude: 126.9882, offset: '+09:00' },
  aurora: { latitude: 69.6492, longitude: 18.9553, offset: '+01:00' },
  meadow: { latitude: 52.2697, longitude: 4.5464, offset: '+02:00' },
}

/** Landscape formats by far, as people hold their phones; then upright, square, and a panorama now and then. */
const formats: [width: number, height: number][] = [
  [1600, 1200],
  [1800, 1200],
  [1600, 1200],
  [1200, 1600],
  [1800, 1200],
  [1400, 1400],
  [1600, 900],
  [1600, 1200],
  [3600, 900],
  [1200, 1800],
]

/** Photos of one journey, on so many days, and the days from one journey to the next. */
const journey = { photos: 14, perDay: 6, apart: 37 }
/** The newest is a little older than this; fixed, since the time is part of the file. */
const newest = Date.UTC(2026, 10, 15, 16)
const day = 86_400_000

/** What the first `count` pictures of the demonstration are. */
export function planPictures(count: number): Picture[] {
  const random = createRandom(1839)
  return Array.from({ length: count }, (_, index) => {
    const number = Math.floor(index / journey.photos)
    // Mostly of what one travelled for.
    const theme = random() < 0.75 ? number : Math.floor(random(0, scenes.length))
    const scene = scenes[theme % scenes.length] ?? 'mountains'
    const place = places[scene]
    const camera = cameras[(number + (random() < 0.3 ? 1 : 0)) % cameras.length] ?? { make: '', model: '', prefix: '' }
    const [width, height] = formats[Math.floor(random(0, formats.length))] ?? [1600, 1200]
    const date = Math.floor((index % journey.photos) / journey.perDay)
    const time = newest - (number * journey.apart + date + random(0, 0.4)) * day
    return {
      filename: `${camera.prefix}${String(4000 + index).padStart(4, '0')}.jpg`,
      scene,
      width,
      height,
      seed: index,
      takenAt: new Date(time).toISOString().slice(0, 19),
      camera,
      place:
        random() < 0.8
          ? { ...place, latitude: place.latitude + random(-0.2, 0.2), longitude: place.longitude + random(-0.2, 0.2) }
          : null,
    }
  })
}

/** Writes one picture as JPEG with the EXIF a camera would write; answers its path. */
export async function writePicture(picture: Picture, folder: string): Promise<string> {
  const { make, model } = picture.camera
  const exifTime = picture.takenAt.replaceAll('-', ':').replace('T', ' ')
  const bytes = await sharp(Buffer.from(drawScene(picture)))
    .flatten({ background: '#000' })
    .withExif({
      IFD0: { Make: make, Model: model, DateTime: exifTime },
      IFD2: {
        DateTimeOriginal: exifTime,
        ...(picture.place === null ? {} : { OffsetTimeOriginal: picture.place.offset }),
      },
      ...(picture.place === null ? {} : { IFD3: gpsOf(picture.place) }),
    })
    .jpeg({ quality: 88 })
    .toBuffer()
  await mkdir(folder, { recursive: true })
  const path = join(folder, picture.filename)
  await writeFile(path, bytes)
  return path
}

function gpsOf({ latitude, longitude }: Place): Record<string, string> {
  const degrees = (value: number) => {
    const total = Math.abs(value)
    const minutes = (total % 1) * 60
    return `${Math.floor(total)}/1 ${Math.floor(minutes)}/1 ${Math.round((minutes % 1) * 6000)}/100`
  }
  return {
    GPSLatitudeRef: latitude < 0 ? 'S' : 'N',
    GPSLatitude: degrees(latitude),
    GPSLongitudeRef: longitude < 0 ? 'W' : 'E',
    GPSLongitude: degrees(longitude),
  }
}

export const videoName = (number: number) => `MOV_${7000 + number}.mp4`

/** Seconds. */
const videoLength = 4

/** A slow move over a picture of its own, as H.264 that every browser plays; answers its path. */
export async function writeVideo(ffmpeg: string, number: number, folder: string): Promise<string> {
  const scene = scenes[(number * 2 + 1) % scenes.length] ?? 'sea'
  const still = join(folder, `still-${number}.png`)
  const path = join(folder, videoName(number))
  await mkdir(folder, { recursive: true })
  await sharp(Buffer.from(drawScene({ scene, width: 1920, height: 1080, seed: 500 + number })))
    .flatten({ background: '#000' })
    .png()
    .toFile(still)
  const time = new Date(newest - (number * 61 + 2) * day).toISOString()
  const frames = videoLength * 25
  // biome-ignore format: one option a line
  await promisify(execFile)(ffmpeg, [
    '-loglevel', 'error', '-y', '-i', still,
    '-vf', `zoompan=z='1+0.2*on/${frames}':x='(iw-iw/zoom)*on/${frames}':y='(ih-ih/zoom)/2':d=${frames}:s=1280x720:fps=25,format=yuv420p`,
    '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', '-threads', '1',
    '-movflags', '+faststart', '-fflags', '+bitexact', '-metadata', `creation_time=${time}`,
    path,
  ])
  await rm(still)
  return path
}
