/**
 * The one text that says a grant: a path and fixed parameters in a fixed order, each value encoded in exactly one way.
 * `parse` reads a text, writes the result again and requires the same text, so that an extra, repeated, reordered or
 * otherwise encoded parameter has no grant at all; there is no list of tricks to keep up with.
 */

export interface GrantFormat<G extends { expires: number }> {
  /** Throws `TypeError` for a grant that cannot be expressed. */
  format(grant: G): string
  /** Null unless `text` is exactly what `format` writes for some grant. */
  parse(text: string): G | null
}

export interface ParameterReader {
  text(name: string): string | null
  number(name: string): number | null
}

export interface GrantRules<G> {
  /** First segment, with slashes around it. */
  path: string
  /** In the order in which they are written; a null is left out. */
  toParameters(grant: G): Record<string, string | number | null>
  toGrant(key: string, read: ParameterReader): G
  isValid(grant: G): boolean
}

export function grantFormat<G extends { key: string; expires: number }>(rules: GrantRules<G>): GrantFormat<G> {
  const write = (grant: G): string | null => {
    if (!isKey(grant.key) || !rules.isValid(grant)) return null
    return `${rules.path}${grant.key}?${writeQuery(rules.toParameters(grant))}`
  }

  return {
    format(grant) {
      const text = write(grant)
      if (text === null) throw new TypeError(`This grant cannot be signed: ${JSON.stringify(grant)}`)
      return text
    },

    parse(text) {
      const question = text.indexOf('?')
      if (!text.startsWith(rules.path) || question === -1) return null
      const grant = rules.toGrant(text.slice(rules.path.length, question), readerOf(text.slice(question + 1)))
      return write(grant) === text ? grant : null
    },
  }
}

function writeQuery(parameters: Record<string, string | number | null>): string {
  return Object.entries(parameters)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${encodeValue(String(value))}`)
    .join('&')
}

/** Reads loosely: whatever is read wrongly is not what is written again. */
function readerOf(query: string): ParameterReader {
  const values = new Map<string, string>()
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    values.set(pair.slice(0, equals), decodeValue(pair.slice(equals + 1)))
  }
  return {
    text: (name) => values.get(name) ?? null,
    number: (name) => {
      const value = values.get(name)
      return value === undefined ? null : Number(value)
    },
  }
}

/**
 * `encodeURIComponent`, and what RFC 3986 reserves and it leaves: browsers rewrite `'` in a query, chat programs end a link at `)`.
 */
function encodeValue(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

function decodeValue(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch (error) {
    // Not UTF-8 or not percent-encoding. The empty text is never a value, so this is refused like any other.
    if (error instanceof URIError) return ''
    throw error
  }
}

/** Segments that begin with a letter or digit: neither `..` nor anything that needs encoding can be written. */
export function isKey(key: string): boolean {
  return key.length <= 512 && /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/.test(key)
}

/** A prefix ends at a segment, or `u/42` would also open `u/420`. */
export function isPrefix(prefix: string): boolean {
  return prefix.endsWith('/') && isKey(prefix.slice(0, -1))
}
