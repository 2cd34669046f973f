/**
 * The original's own picture and sound in an MP4 whose index comes first, so that it plays while it loads. Nothing else
 * goes along: no metadata, no chapters, no data tracks, and no messages within the picture (H.264 SEI), where some
 * cameras write the place.
 */
import { join } from 'node:path'
import { sizeOfMade } from '../made-file.ts'
import { CannotDecode, type MadeFile } from '../media.ts'
import { memoryFor } from './limits.ts'
import type { VideoProbe } from './probe.ts'
import type { RunFfmpeg, VideoWork } from './run-ffmpeg.ts'

/** NAL unit type of supplemental enhancement information (ITU-T H.264, table 7-1). */
const sei = 6

/** Writes `fast-start.mp4` to the scratch folder. For videos whose probe says `playsEverywhere`. Throws `CannotDecode`. */
export async function makeFastStart(
  run: RunFfmpeg,
  path: string,
  probe: VideoProbe,
  { scratch, signal, priority }: VideoWork,
): Promise<MadeFile> {
  const { picture, sound, container, size, duration } = probe
  if (picture === null) throw new CannotDecode('undecodable', 'There is only sound in this file, no picture.')
  const file = join(scratch, 'fast-start.mp4')
  await run({
    input: { path, container },
    // biome-ignore format: one option a line
    outputOptions: [
      '-map', `0:${picture.index}`, ...(sound === null ? [] : ['-map', `0:${sound.index}`]),
      '-c', 'copy', '-bsf:v', `filter_units=remove_types=${sei}`,
      '-map_metadata', '-1', '-map_metadata:s', '-1', '-map_chapters', '-1',
      // A QuickTime time code would come back as a data track.
      '-write_tmcd', '0', '-movflags', '+faststart', '-f', 'mp4', `file:${file}`,
    ],
    scratch,
    limits: {
      memory: memoryFor(picture),
      // The slowest disks copy 5 MB a second; it is read, written, and moved once more for the index.
      seconds: 120 + (size * 3) / 5e6,
      fileSize: Math.round(size * 1.1) + (16 << 20),
    },
    priority,
    signal,
  })
  // Other programs are given it to read, before it is kept.
  await sizeOfMade(file)
  return {
    name: 'fast-start',
    contentType: 'video/mp4',
    path: file,
    width: picture.width,
    height: picture.height,
    duration,
    detail: null,
  }
}
