/**
 * Leaving the account on this device. The page is loaded anew, so that nothing of whoever was here is left in its memory for
 * whoever comes next.
 */
export async function leave(end: () => Promise<unknown>): Promise<void> {
  await end()
  location.replace('/sign-in')
}
