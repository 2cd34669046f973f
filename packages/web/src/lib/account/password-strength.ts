/** How hard a password is to guess, as far as its length tells; the server asks for eight characters and no rules (NIST SP 800-63B). */

export const shortestPassword = 8
/** UTF-8 bytes. */
export const longestPassword = 1_024

export type PasswordStrength = 'short' | 'fair' | 'good' | 'strong'

/** Characters as people count them, after the normalising that the server does. */
export function passwordLength(password: string): number {
  return [...password.normalize('NFKC')].length
}

export function passwordStrength(password: string): PasswordStrength {
  const length = passwordLength(password)
  if (length < shortestPassword) return 'short'
  // Long but of one character, such as a pressed key, is not hard to guess.
  const variety = new Set(password).size
  if (length >= 16 && variety >= 6) return 'strong'
  return length >= 12 && variety >= 5 ? 'good' : 'fair'
}

export function isTooLong(password: string): boolean {
  return new TextEncoder().encode(password.normalize('NFKC')).length > longestPassword
}
