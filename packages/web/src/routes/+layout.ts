import { i18n } from '#lib/i18n/i18n.svelte.ts'
import { session } from '#lib/session/session.svelte.ts'

// The server sends one shell for every page; what is in it depends on who asks.
export const ssr = false

export const load = async () => {
  // Both to their end, so that what goes wrong is told in the person's language.
  for (const result of await Promise.allSettled([i18n.start(), session.known()])) {
    if (result.status === 'rejected') throw result.reason
  }
}
