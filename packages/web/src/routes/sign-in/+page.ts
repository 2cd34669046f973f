import { redirect } from '@sveltejs/kit'
import { safeNext } from '#lib/account/next.ts'
import { session } from '#lib/session/session.svelte.ts'

/** Whoever is in already goes on to where they wanted. */
export const load = async ({ parent, url }) => {
  await parent()
  await session.known()
  if (session.me !== null) redirect(307, safeNext(url.searchParams.get('next'), url.origin))
}
