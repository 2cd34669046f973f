/** Handles as the server takes them: letters, digits and `_.-`, at most 39, in lower case. */

export type HandleProblem = 'empty' | 'characters' | 'start' | 'long'

const longest = 39

/** Null when the server would take it, unless it is taken or reserved. */
export function handleProblem(handle: string): HandleProblem | null {
  if (handle === '') return 'empty'
  if (!/^[a-z0-9_.-]*$/i.test(handle)) return 'characters'
  if (!/^[a-z0-9]/i.test(handle)) return 'start'
  return handle.length > longest ? 'long' : null
}

/** From a name, or, where that has no Latin letters, from what stands before the @ of the address. Empty when neither helps. */
export function suggestHandle(name: string, email: string): string {
  const [local = ''] = email.split('@')
  return asHandle(name) || asHandle(local)
}

function asHandle(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/\s+/g, '.')
    .replace(/[^a-z0-9_.-]/g, '')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, longest)
    .replace(/[^a-z0-9]+$/, '')
}
