/** No mutation of a valid URL is accepted: every single one of the small ones, and many of the large ones. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import {
  createKeyRing,
  createSigner,
  createVerifier,
  generateKeySet,
  placeOf,
  SignatureError,
  type Verifier,
} from './index.ts'

const now = () => 1_800_000_000
const expires = now() + 600
const visitor = { address: '203.0.113.9', country: 'KR' }

/** Of every kind of grant, by either kind of key. */
let urls: string[]
let verifier: Verifier

before(async () => {
  const ring = await createKeyRing(await generateKeySet(), {
    hmacSha256: (secret) => (data) => createHmac('sha256', secret).update(data).digest(),
  })
  verifier = createVerifier(ring, { now })
  const place = placeOf({ addresses: [visitor.address, '2001:db8::1'], country: 'KR' })
  const object = { key: 'originals/0f3c', type: 'image/jpeg', disposition: 'attachment', expires } as const
  urls = (
    await Promise.all(
      (['HMAC', 'Ed25519'] as const).map(async (kind) => {
        const signer = createSigner(ring, kind)
        const under = await signer.prefix('', { prefix: 'hls/42/', place, expires })
        return [
          await signer.delivery('', { ...object, filename: "Max's (1) 사진.jpg" }),
          await signer.delivery('', { ...object, key: 'originals/0f3d', filename: null, place }),
          under('hls/42/main.m3u8'),
          await signer.upload('', { ...object, upload: 'm~1', part: 2, size: 5, maxSize: null }),
        ]
      }),
    )
  ).flat()
})

/** What may be asked for with this URL; null when it is refused as invalid. Any other error fails the test. */
async function opened(url: string): Promise<string | null> {
  const verdicts = await Promise.allSettled([verifier.upload(url), verifier.delivery(url, visitor)])
  for (const verdict of verdicts) {
    if (verdict.status === 'fulfilled') return JSON.stringify(verdict.value)
    assert.ok(verdict.reason instanceof SignatureError && verdict.reason.reason === 'invalid', String(verdict.reason))
  }
  return null
}

/**
 * A mutation may open nothing. The one exception is what a prefix is for: its parameters, to the letter, behind another
 * object of the prefix in the canonical spelling.
 */
async function assertRefused(mutated: string, original: string): Promise<void> {
  if (urls.includes(mutated) || (await opened(mutated)) === null) return
  const [path = '', query = ''] = mutated.split('?')
  assert.ok(query.startsWith('prefix=') && urls.some((url) => url.endsWith(`?${query}`)), `${mutated} for ${original}`)
  assert.match(path, /^\/m\/hls\/42\/[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/, `${mutated} for ${original}`)
}

const inserted = ['/', '.', '%', '&', '=', '?', '#', '\0', ' ', '\\', ';', 'A', 'a', '0', '-', '_', 'é']

describe('no mutation of a signed URL is accepted', () => {
  it('of one character: changed, in the other case, encoded, doubled, removed, swapped, or one put in', async () => {
    for (const url of urls) {
      for (let at = 0; at < url.length; at += 1) {
        const char = url.charAt(at)
        const code = char.charCodeAt(0)
        const [before, after] = [url.slice(0, at), url.slice(at + 1)]
        const encoded = code.toString(16).padStart(2, '0')
        const mutations = [
          ...[1, 2, 4, 8, 16, 32, 64, 128].map((bit) => before + String.fromCharCode(code ^ bit) + after),
          before + (char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase()) + after,
          `${before}%${encoded}${after}`,
          `${before}%${encoded.toUpperCase()}${after}`,
          `${before}%25${encoded}${after}`,
          before + char + char + after,
          before + after,
          before + after.charAt(0) + char + after.slice(1),
          ...inserted.map((extra) => before + extra + char + after),
        ]
        for (const mutated of mutations) await assertRefused(mutated, url)
      }
      for (const extra of inserted) await assertRefused(url + extra, url)
    }
  })

  it('of its signature: every spelling of the same bytes', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/='
    for (const url of urls) {
      for (const last of alphabet) await assertRefused(url.slice(0, -1) + last, url)
      for (const padding of ['=', '==', '%3D']) await assertRefused(url + padding, url)
      await assertRefused(url.replaceAll('-', '+').replaceAll('_', '/'), url)
      await assertRefused(`${url.slice(0, url.indexOf('&sig='))}&sig=`, url)
    }
  })

  it('of its parameters: in another order, repeated, removed, or taken from another URL', async () => {
    for (const url of urls) {
      const [path = '', query = ''] = url.split('?')
      const pairs = query.split('&')
      const others = urls.flatMap((other) => other.slice(other.indexOf('?') + 1).split('&'))
      const strange = [
        '__proto__=1',
        'constructor=1',
        'kid=__proto__',
        'expires=9999999999',
        'prefix=',
        'country=JP',
        'ip4=0.0.0',
      ]
      for (let at = 0; at < pairs.length; at += 1) {
        const without = pairs.toSpliced(at, 1)
        await assertRefused(`${path}?${without.join('&')}`, url)
        for (let to = 0; to <= without.length; to += 1) {
          await assertRefused(`${path}?${without.toSpliced(to, 0, pairs[at] ?? '').join('&')}`, url)
          await assertRefused(`${path}?${pairs.toSpliced(to, 0, pairs[at] ?? '').join('&')}`, url)
        }
        for (const other of [...others, ...strange]) {
          await assertRefused(`${path}?${pairs.toSpliced(at, 1, other).join('&')}`, url)
          await assertRefused(`${path}?${pairs.toSpliced(at, 0, other).join('&')}`, url)
        }
      }
    }
  })

  it('of its path: escapes, doubled and encoded slashes, the path of another URL', async () => {
    for (const url of urls) {
      const [path = '', query = ''] = url.split('?')
      const segments = path.split('/')
      for (const step of ['..', '.', '', '%2e%2e', '%2E', '..%2f', '%2f', '%5c', '..;', '%00', '%c0%ae']) {
        for (let at = 0; at <= segments.length; at += 1) {
          await assertRefused(`${segments.toSpliced(at, 0, step).join('/')}?${query}`, url)
          await assertRefused(`${segments.toSpliced(at, 0, 'x', step).join('/')}?${query}`, url)
        }
      }
      await assertRefused(url.replaceAll('%2F', '/'), url)
      await assertRefused(`${path.replaceAll('/', '%2F')}?${query}`, url)
      await assertRefused(`https://media.example${url}`, url)
      for (const other of urls) await assertRefused(`${other.split('?')[0]}?${query}`, url)
    }
  })

  it('of two valid URLs, cut and joined anywhere', async () => {
    const cut = fc.record({ one: fc.nat(), other: fc.nat(), at: fc.nat(), from: fc.nat() })
    await fc.assert(
      fc.asyncProperty(cut, async ({ one, other, at, from }) => {
        const [first = '', second = ''] = [urls[one % urls.length], urls[other % urls.length]]
        const mutated = first.slice(0, at % (first.length + 1)) + second.slice(from % (second.length + 1))
        fc.pre(!urls.includes(mutated))
        await assertRefused(mutated, first)
      }),
      { numRuns: 3000 },
    )
  })

  it('of any number of characters', async () => {
    const change = fc.record({
      which: fc.nat(),
      at: fc.nat(),
      text: fc.string({ unit: 'binary', maxLength: 6 }),
      length: fc.nat(6),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const original = urls[(changes[0]?.which ?? 0) % urls.length] ?? ''
        const mutated = changes.reduce((url, { at, text, length }) => {
          const start = at % (url.length + 1)
          return url.slice(0, start) + text + url.slice(start + length)
        }, original)
        await assertRefused(mutated, original)
      }),
      { numRuns: 3000 },
    )
  })

  it('and they are accepted as they are', async () => {
    for (const url of urls) assert.notEqual(await opened(url), null)
  })
})
