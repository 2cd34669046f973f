/**
 * What a signed URL allows, and the one text that says it: `/u/<key>?…` puts bytes, `/m/<key>?…` gets them. The text is
 * canonical: fixed parameters in a fixed order, each value encoded in exactly one way. `parse` reads a text, writes the
 * result again and requires the same text, so that an extra, repeated, reordered or otherwise encoded parameter has no
 * grant at all; there is no list of tricks to keep up with.
 *
 * A new kind of restriction is a new parameter here. Verifiers that do not know it refuse it, as they must.
 */

/** May put bytes at a key: a whole object, or one part of a multipart upload. */
export interface UploadGrant {
  key: string
  /** The store's multipart id; null when the object is put whole. */
  upload: string | null
  /** From 1; null exactly when `upload` is. */
  part: number | null
  /** Exact bytes; null when the client decides, which needs `maxSize`. */
  size: number | null
  /** Most bytes. */
  maxSize: number | null
  /** Media type without parameters. */
  type: string
  /** Unix seconds from which the grant is over. */
  expires: number
}

/** May get the bytes of a key, to be shown or saved as said here and not as the visitor asks. */
export interface DeliveryGrant {
  key: string
  type: string
  disposition: 'inline' | 'attachment'
  /** At most 255 UTF-16 code units. */
  filename: string | null
  /** Unix seconds from which the grant is over. */
  expires: number
}

export interface GrantFormat<G extends { expires: number }> {
  /** Throws `TypeError` for a grant that cannot be expressed. */
  format(grant: G): string
  /** Null unless `text` is exactly what `format` writes for some grant. */
  parse(text: string): G | null
}

export const uploadFormat = grantFormat<UploadGrant>({
  path: '/u/',
  toParameters: ({ type, size, maxSize, upload, part, expires }) => ({
    type,
    size,
    max: maxSize,
    upload,
    part,
    expires,
  }),
  toGrant: (key, read) => ({
    key,
    upload: read.text('upload'),
    part: read.number('part'),
    size: read.number('size'),
    maxSize: read.number('max'),
    type: read.text('type') ?? '',
    expires: read.number('expires') ?? -1,
  }),
  isValid: ({ type, upload, part, size, maxSize, expires }) =>
    isType(type) &&
    (upload === null ? part === null : isUploadId(upload) && isCount(part) && part > 0) &&
    (size === null || isCount(size)) &&
    (maxSize === null ? size !== null : isCount(maxSize)) &&
    isCount(expires),
})

export const deliveryFormat = grantFormat<DeliveryGrant>({
  path: '/m/',
  toParameters: ({ type, disposition, filename, expires }) => ({ type, disposition, filename, expires }),
  toGrant: (key, read) => ({
    key,
    type: read.text('type') ?? '',
    disposition: read.text('disposition') === 'inline' ? 'inline' : 'attachment',
    filename: read.text('filename'),
    expires: read.number('expires') ?? -1,
  }),
  isValid: ({ type, disposition, filename, expires }) =>
    isType(type) &&
    (disposition === 'inline' || disposition === 'attachment') &&
    (filename === null || (filename !== '' && filename.length <= 255 && filename.isWellFormed())) &&
    isCount(expires),
})

interface ParameterReader {
  text(name: string): string | null
  number(name: string): number | null
}

interface GrantRules<G> {
  path: string
  /** In the order in which they are written; a null is left out. */
  toParameters(grant: G): Record<string, string | number | null>
  toGrant(key: string, read: ParameterReader): G
  isValid(grant: G): boolean
}

function grantFormat<G extends { key: string; expires: number }>(rules: GrantRules<G>): GrantFormat<G> {
  const write = (grant: G): string | null => {
    if (!isKey(grant.key) || !rules.isValid(grant)) return null
    const query = Object.entries(rules.toParameters(grant))
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}=${encodeValue(String(value))}`)
    return `${rules.path}${grant.key}?${query.join('&')}`
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
function isKey(key: string): boolean {
  return key.length <= 512 && /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/.test(key)
}

function isType(type: string): boolean {
  return type.length <= 127 && /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$/.test(type)
}

function isUploadId(upload: string): boolean {
  return upload.length <= 1024 && /^[\x21-\x7e]+$/.test(upload)
}

function isCount(value: number | null): value is number {
  return value !== null && Number.isSafeInteger(value) && value >= 0
}
