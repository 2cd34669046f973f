import { redirect } from '@sveltejs/kit'
import { session } from '#lib/session/session.svelte.ts'

export const load = async ({ parent }) => {
  await parent()
  await session.known()
  redirect(307, session.me !== null ? '/photos' : session.server?.hasAccounts === false ? '/sign-up' : '/sign-in')
}
