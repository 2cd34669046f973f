import { redirect } from '@sveltejs/kit'
import { session } from '#lib/session/session.svelte.ts'

/** Pages of a signed-in person; others sign in first and come back. */
export const load = async ({ parent, url }) => {
  await parent()
  await session.known()
  if (session.me !== null) return
  redirect(307, `/sign-in?next=${encodeURIComponent(url.pathname + url.search)}`)
}
