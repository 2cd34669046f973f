/**
 * Gives an upload the size that was not known when it was planned. From here on it can be verified and completed like any
 * other, also by the look at expired uploads; before, nobody could tell whether its parts are all there.
 */
import { problems } from '../problem.ts'
import { quota } from '../quota/index.ts'
import type { UploadContext, UploadRow } from './context.ts'
import { lockUpload } from './end.ts'
import { checkSize } from './plan.ts'

/**
 * Reserves exactly `size` bytes in place of what was reserved so far. Repeating it succeeds.
 * Throws `file-too-large`, `empty-file`, `quota-exceeded` or `upload-closed`, and then nothing changed.
 */
export async function declareSize(
  context: UploadContext,
  uploadId: string,
  { size, partCount = null }: { size: number; partCount?: number | null },
): Promise<UploadRow> {
  checkSize(size, context.limits.maxFileSize)
  return context.db.transaction().execute(async (tx) => {
    const upload = await lockUpload(tx, uploadId)
    if (upload === undefined || upload.state !== 'uploading')
      throw problems.uploadClosed('The upload was ended meanwhile.')
    const growth = size - upload.reserved_bytes
    if (growth > 0) await quota.reserve(tx, upload.owner_id, growth)
    else await quota.release(tx, upload.owner_id, -growth)
    return tx
      .updateTable('upload')
      .set({ size, reserved_bytes: size, part_count: partCount })
      .where('id', '=', uploadId)
      .returningAll()
      .executeTakeFirstOrThrow()
  })
}
