/**
 * Leaving the account on this device. The page is loaded anew, so that nothing of whoever was here is left in its memory for
 * whoever comes next; nor on its disk, where files may wait for their upload.
 */
export async function leave(end: () => Promise<unknown>): Promise<void> {
  await end()
  try {
    const { forgetUploads } = await import('../upload/forget.ts')
    await forgetUploads()
  } finally {
    location.replace('/sign-in')
  }
}
