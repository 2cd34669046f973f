/** The cookie in which a browser keeps that it unlocked a link: sent to that link alone, and out of reach of scripts. */
import type { CookieSerializeOptions } from '@fastify/cookie'

export const linkCookie = 'heliograph_link'

/** `Secure` only where people come by https, or the browser would not keep it. */
export function linkCookieOptions(publicUrl: string, token: string): CookieSerializeOptions {
  const { protocol, pathname } = new URL(publicUrl)
  const base = pathname.replace(/\/$/, '')
  return { path: `${base}/v1/links/${token}`, httpOnly: true, sameSite: 'lax', secure: protocol === 'https:' }
}
