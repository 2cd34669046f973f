/** The cookie that browsers carry a session in: out of reach of scripts, and not sent along by other sites' forms. */
import type { CookieSerializeOptions } from '@fastify/cookie'

export const sessionCookie = 'heliograph_session'

/** `Secure` only where people come by https, or the browser would not keep it. */
export function sessionCookieOptions(publicUrl: string): CookieSerializeOptions {
  return { path: '/', httpOnly: true, sameSite: 'lax', secure: new URL(publicUrl).protocol === 'https:' }
}
