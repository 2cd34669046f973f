/**
 * RFC 9535 singular queries (section 2.3.5.1): paths such as `$.realm.roles[0]['name']` that lead to at most one value.
 * They say where an issuer puts its claims. Compiled once when the settings are read, so that a mistake stops the start
 * and not a request; evaluation follows own properties only and runs in the length of the path. Filters, wildcards and
 * functions, by which JSONPath libraries were made to hang or run code, do not exist here.
 */

export class InvalidQuery extends Error {
  constructor(query: string, position: number, expected: string) {
    super(`The query ${query} is not valid at character ${position + 1}: expected ${expected}`)
    this.name = 'InvalidQuery'
  }
}

/** The value the query leads to, or undefined when there is none. */
export type SingularQuery = (value: unknown) => unknown

type Segment = { kind: 'name'; name: string } | { kind: 'index'; index: number }

const maxLength = 1_024
const blank = /[ \t\n\r]*/y
/** `member-name-shorthand`; surrogates outside a pair are left out, as section 2.5.1.1 asks. */
const shorthand = /[A-Za-z_\u{80}-\u{D7FF}\u{E000}-\u{10FFFF}][0-9A-Za-z_\u{80}-\u{D7FF}\u{E000}-\u{10FFFF}]*/uy
/** `int`: no leading zeros, no `-0`. */
const integer = /0|-?[1-9][0-9]*/y
const singleQuoted = /'((?:[\u{20}-\u{26}\u{28}-\u{5B}\u{5D}-\u{D7FF}\u{E000}-\u{10FFFF}]|\\.)*)'/uy
const doubleQuoted = /"((?:[\u{20}\u{21}\u{23}-\u{5B}\u{5D}-\u{D7FF}\u{E000}-\u{10FFFF}]|\\.)*)"/uy
/** A surrogate is written as a whole pair, or not at all. */
const escapeSequence =
  /\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u((?![dD][89a-fA-F])[0-9a-fA-F]{4})|(.))/gu
const plainEscapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '/': '/', '\\': '\\' }

/** Throws `InvalidQuery` for what is not a singular query. */
export function compileSingularQuery(query: string): SingularQuery {
  const segments = parse(query)
  return (value) => {
    let current = value
    for (const segment of segments) {
      current = segment.kind === 'name' ? member(current, segment.name) : element(current, segment.index)
      if (current === undefined) return undefined
    }
    return current
  }
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) {
    return undefined
  }
  return (value as Record<string, unknown>)[name]
}

function element(value: unknown, index: number): unknown {
  return Array.isArray(value) ? value.at(index) : undefined
}

function parse(query: string): Segment[] {
  if (query.length > maxLength) throw new InvalidQuery(`of ${query.length} characters`, maxLength, 'its end')
  let position = 0
  const fail = (expected: string) => new InvalidQuery(query, position, expected)
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position
    const match = pattern.exec(query)
    if (match !== null) position += match[0].length
    return match
  }

  if (query[position++] !== '$') {
    position = 0
    throw fail('$')
  }
  const segments: Segment[] = []
  while (position < query.length) {
    take(blank)
    const opener = query[position++]
    if (opener === '.') {
      const name = take(shorthand)
      if (name === null) throw fail('a name')
      segments.push({ kind: 'name', name: name[0] })
    } else if (opener === '[') {
      take(blank)
      segments.push(bracketed())
      take(blank)
      if (query[position++] !== ']') {
        position -= 1
        throw fail(']')
      }
    } else {
      position -= 1
      throw fail('a name or an index')
    }
  }
  return segments

  function bracketed(): Segment {
    const start = position
    const quote = query[position]
    if (quote === "'" || quote === '"') {
      const literal = take(quote === "'" ? singleQuoted : doubleQuoted)
      if (literal === null) throw fail('a closed string')
      const name = unescapeName(literal[1] ?? '', quote)
      if (name === null) {
        position = start
        throw fail('a string with valid escapes')
      }
      return { kind: 'name', name }
    }
    const match = take(integer)
    if (match === null) throw fail('a quoted name or a whole number')
    const index = Number(match[0])
    // Section 2.1: indexes lie within the range of exact integers of I-JSON.
    if (!Number.isSafeInteger(index)) throw fail('an index within 2^53')
    return { kind: 'index', index }
  }
}

/** Null when an escape is none of RFC 9535's; a quote may be escaped only inside its own kind. */
function unescapeName(text: string, quote: string): string | null {
  let isValid = true
  const name = text.replace(escapeSequence, (_all, high?: string, low?: string, unit?: string, plain?: string) => {
    if (high !== undefined && low !== undefined) {
      return String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16))
    }
    if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16))
    if (plain === quote) return quote
    const character = plain === undefined ? undefined : plainEscapes[plain]
    if (character === undefined) isValid = false
    return character ?? ''
  })
  return isValid ? name : null
}
