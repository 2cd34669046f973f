/**
 * What a signed URL allows: `/u/<key>?…` puts bytes, `/m/<key>?…` gets them, and `/m/<key>?prefix=…` gets every object
 * under a prefix. Of the last, what is signed is the prefix in the place of the key, so that one signature is good for
 * all parts of a video and what is after the prefix may differ; it still has to be a key.
 *
 * A new kind of restriction is a new parameter here. Verifiers that do not know it refuse it, as they must.
 */
import { grantFormat, isPrefix, type ParameterReader } from './canonical.ts'
import { typeOfKey } from './file-types.ts'
import { isPlace, type Place } from './place.ts'

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
  /** Where the visitor must be; absent for anywhere. */
  place?: Place
  /** Unix seconds from which the grant is over. */
  expires: number
}

/** May get every object whose key begins with the prefix and whose extension has a fixed type, to be shown. */
export interface PrefixGrant {
  /** Ends in `/`. */
  prefix: string
  /** Where the visitor must be; absent for anywhere. */
  place?: Place
  /** Unix seconds from which the grant is over. */
  expires: number
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
    expires: expiryOf(read),
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
  toParameters: ({ type, disposition, filename, place, expires }) => ({
    type,
    disposition,
    filename,
    ...placeParameters(place),
    expires,
  }),
  toGrant: (key, read) => ({
    key,
    type: read.text('type') ?? '',
    disposition: read.text('disposition') === 'inline' ? 'inline' : 'attachment',
    filename: read.text('filename'),
    ...readPlace(read),
    expires: expiryOf(read),
  }),
  isValid: ({ type, disposition, filename, place, expires }) =>
    isType(type) &&
    (disposition === 'inline' || disposition === 'attachment') &&
    (filename === null || (filename !== '' && filename.length <= 255 && filename.isWellFormed())) &&
    (place === undefined || isPlace(place)) &&
    isCount(expires),
})

/** One object under a prefix. */
export const prefixFormat = grantFormat<PrefixGrant & { key: string }>({
  path: '/m/',
  toParameters: ({ prefix, place, expires }) => ({ prefix, ...placeParameters(place), expires }),
  toGrant: (key, read) => ({
    key,
    prefix: read.text('prefix') ?? '',
    ...readPlace(read),
    expires: expiryOf(read),
  }),
  isValid: ({ key, prefix, place, expires }) =>
    isPrefix(prefix) &&
    key.startsWith(prefix) &&
    typeOfKey(key) !== null &&
    (place === undefined || isPlace(place)) &&
    isCount(expires),
})

/** @param text what `prefixFormat` wrote for `key`. */
export function signedTextOf(text: string, { key, prefix }: { key: string; prefix: string }): string {
  return `/m/${prefix}${text.slice('/m/'.length + key.length)}`
}

/** The grant of a URL of `/m/`, and the text that must be signed for it; null for what no signer wrote. */
export function readDelivery(text: string): { grant: DeliveryGrant; signed: string } | null {
  const grant = deliveryFormat.parse(text)
  if (grant !== null) return { grant, signed: text }
  const under = prefixFormat.parse(text)
  const type = under === null ? null : typeOfKey(under.key)
  if (under === null || type === null) return null
  const { prefix: _, ...rest } = under
  return { grant: { ...rest, type, disposition: 'inline', filename: null }, signed: signedTextOf(text, under) }
}

function placeParameters(place: Place | undefined) {
  return { ip4: place?.ipv4 ?? null, ip6: place?.ipv6 ?? null, country: place?.country ?? null }
}

function readPlace(read: ParameterReader): { place?: Place } {
  const place = { ipv4: read.text('ip4'), ipv6: read.text('ip6'), country: read.text('country') }
  return Object.values(place).every((part) => part === null) ? {} : { place }
}

function expiryOf(read: ParameterReader): number {
  return read.number('expires') ?? -1
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
