/** Small real videos for tests, made with the ffmpeg of this machine. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findFfmpeg } from '../renditions/index.ts'

const ffmpeg = await findFfmpeg(process.env.PATH ?? '')

/** Why a test that needs videos cannot run here. */
export const withoutFfmpeg: string | false = ffmpeg === null ? 'needs ffmpeg, which is not on this machine' : false

/**
 * A second of H.264 in QuickTime, 25 frames. `everywhere`: as every browser plays it; else in colours that few decode.
 * `identifier` is what joins it to the photo of a Live Photo.
 */
export async function video(
  size: string,
  { everywhere, identifier }: { everywhere: boolean; identifier?: string },
): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-video-'))
  const path = join(folder, 'video.mov')
  try {
    // biome-ignore format: one option a line
    await promisify(execFile)(ffmpeg?.ffmpeg ?? '', [
      '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=1`,
      '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', everywhere ? 'yuv420p' : 'yuv444p',
      '-movflags', 'use_metadata_tags', '-metadata', `comment=${crypto.randomUUID()}`,
      ...(identifier === undefined ? [] : ['-metadata', `com.apple.quicktime.content.identifier=${identifier}`]),
      path,
    ])
    return await readFile(path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
