/**
 * Where to go after signing in, as the address of the page says. It may come from anyone, so only paths of this site are
 * followed: a stranger's link through our sign-in page must not end on a stranger's page.
 */
export function safeNext(wanted: string | null, origin: string): string {
  const home = '/photos'
  if (wanted === null || !wanted.startsWith('/')) return home
  try {
    // The parser takes `/\host` and `/<tab>/host` for other hosts too, so it decides.
    const url = new URL(wanted, origin)
    if (url.origin !== origin || url.pathname.startsWith('//')) return home
    const path = url.pathname + url.search + url.hash
    return /^\/(?:sign-in|sign-up)?(?:[?#]|$)/.test(path) ? home : path
  } catch {
    return home
  }
}
