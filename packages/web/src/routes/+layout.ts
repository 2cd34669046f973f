import { i18n } from '#lib/i18n/i18n.svelte.ts'
import { session } from '#lib/session/session.svelte.ts'

// The server sends one shell for every page; what is in it depends on who asks.
export const ssr = false

export const load = async () => {
  // An error here would have no page to be told on. The pages below ask for the session once more, and tell it.
  const [words] = await Promise.allSettled([i18n.start(), session.known()])
  if (words.status === 'rejected') throw words.reason
}
