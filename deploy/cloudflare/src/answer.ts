/** The answer to `GET|HEAD /m/…` once it is allowed: RFC 9110 sections 13 (conditions) and 14 (ranges), as the edge gives it. */
import { parseRange } from '../../../packages/server/src/edge/byte-ranges.ts'
import { evaluatePreconditions, rangeApplies } from '../../../packages/server/src/edge/preconditions.ts'
import type { ByteRange } from '../../../packages/server/src/engines/object-store/object-store.ts'
import { problems } from '../../../packages/server/src/problem.ts'
import type { Permission } from './permission.ts'
import { lengthOf, type Source } from './source.ts'

/** Throws `Problem`. */
export async function answer(
  request: Request,
  { key, headers: allowed }: Permission,
  source: Source,
): Promise<Response> {
  const found = await source.find(key)
  if (found === null) throw gone()
  const { info } = found
  const conditions = Object.fromEntries(request.headers)
  const headers = {
    etag: info.etag,
    'last-modified': info.lastModified.toUTCString(),
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
    'cache-control': allowed['cache-control'],
  }
  const verdict = evaluatePreconditions(conditions, info)
  if (verdict === 'failed') throw problems.preconditionFailed('The file is not the one the request names.')
  if (verdict === 'not-modified') return new Response(null, { status: 304, headers })

  // Ranges are defined for GET alone. Several at once are answered with the whole, as section 14.2 allows.
  const isPartial = request.method === 'GET' && rangeApplies(conditions, info)
  const ranges = isPartial ? parseRange(conditions.range, info.size) : null
  if (ranges?.length === 0) {
    throw problems.rangeNotSatisfiable(`The file has ${info.size} bytes.`, { extensions: { size: info.size } })
  }
  const range = ranges?.length === 1 ? (ranges[0] ?? null) : null
  const length = range === null ? info.size : lengthOf(range)
  const body = request.method === 'HEAD' ? null : await read(found.read, range, length)
  return new Response(body, {
    status: range === null ? 200 : 206,
    headers: {
      ...headers,
      ...allowed,
      'content-length': String(length),
      ...(range === null ? {} : { 'content-range': `bytes ${range.start}-${range.end}/${info.size}` }),
    },
  })
}

/** A stream that breaks when the source ends early: a short file must not look whole. */
async function read(
  open: (range: ByteRange | null) => Promise<ReadableStream<Uint8Array> | null>,
  range: ByteRange | null,
  length: number,
): Promise<ReadableStream<Uint8Array>> {
  const body = await open(range)
  if (body === null) throw gone()
  return body.pipeThrough(new FixedLengthStream(length))
}

function gone() {
  return problems.notFound('The file is gone.')
}
