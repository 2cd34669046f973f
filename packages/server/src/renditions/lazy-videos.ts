/** Looking for ffmpeg means running it several times: that waits for the first video, and no start waits for it. */
import type { Sandbox } from '../engines/sandbox/sandbox.ts'
import { createVideoDecoder, findFfmpeg, type VideoDecoder } from './video/index.ts'

/** @param searchPath folders, as in PATH. */
export function createLazyVideoDecoder({
  sandbox,
  searchPath,
}: {
  sandbox: Sandbox
  searchPath: string
}): VideoDecoder {
  let found: Promise<VideoDecoder> | null = null
  const decoder = () => {
    found ??= findFfmpeg(searchPath).then((ffmpeg) => createVideoDecoder({ sandbox, ffmpeg }))
    return found
  }
  return {
    probe: async (...all) => (await decoder()).probe(...all),
    poster: async (...all) => (await decoder()).poster(...all),
    fastStart: async (...all) => (await decoder()).fastStart(...all),
    hls: async (...all) => (await decoder()).hls(...all),
  }
}
