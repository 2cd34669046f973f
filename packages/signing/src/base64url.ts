/**
 * Base64url without padding (RFC 4648 section 5). The last character of an encoding may carry bits that decode to
 * nothing, so that several texts stand for the same bytes; `decodeBase64url` accepts only the one that `encodeBase64url`
 * writes, which is what keeps a signature from having siblings.
 */

export function encodeBase64url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Null for anything but the canonical encoding. */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index)
  return encodeBase64url(bytes) === text ? bytes : null
}
