import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import {
  createKeyRing,
  createSigner,
  createVerifier,
  generateKeySet,
  type KeyRing,
  placeOf,
  SignatureError,
  type Signer,
  type Verifier,
} from './index.ts'

const now = () => 1_800_000_000
const grant = { prefix: 'hls/42/', expires: now() + 600 }
const isRefused = (reason: 'invalid' | 'expired' | 'elsewhere') => (error: unknown) =>
  error instanceof SignatureError && error.reason === reason

let ring: KeyRing
let signer: Signer
let verifier: Verifier

before(async () => {
  ring = await createKeyRing(await generateKeySet())
  signer = createSigner(ring, 'Ed25519')
  verifier = createVerifier(ring, { now })
})

describe('one signature for every object under a prefix', () => {
  it('opens each of them, as what its extension says', async () => {
    const urlOf = await signer.prefix('https://media.example/', grant)
    const types = {
      'hls/42/main.m3u8': 'application/vnd.apple.mpegurl',
      'hls/42/720/init.mp4': 'video/mp4',
      'hls/42/720/0.m4s': 'video/mp4',
      'hls/42/ko.vtt': 'text/vtt',
    }
    for (const [key, type] of Object.entries(types)) {
      const url = urlOf(key)
      assert.equal(new URL(url).href, url)
      assert.ok(url.startsWith(`https://media.example/m/${key}?prefix=hls%2F42%2F&expires=`))
      assert.deepEqual(await verifier.delivery(url.replace('https://media.example', '')), {
        key,
        type,
        disposition: 'inline',
        filename: null,
        expires: grant.expires,
      })
    }
  })

  it('opens nothing beside it, however it is spelled', async () => {
    const url = (await signer.prefix('', grant))('hls/42/main.m3u8')
    for (const path of [
      'hls/420/main.m3u8',
      'hls/43/main.m3u8',
      'hls/main.m3u8',
      'hls/42',
      'hls/42/',
      'hls/42/../43/main.m3u8',
      'hls/42/%2e%2e/43/main.m3u8',
      'hls/42/%2E%2E%2F43/main.m3u8',
      'hls/42/..%2f43/main.m3u8',
      'hls/42//main.m3u8',
      'hls/42/./main.m3u8',
      'hls/42/.m3u8',
      'hls%2f42/main.m3u8',
      '/hls/42/main.m3u8',
      'x/hls/42/main.m3u8',
      'HLS/42/main.m3u8',
      'hls/42/main.M3U8',
      'hls/42/main.html',
      'hls/42/main.svg',
      'hls/42/main',
      'hls/42/main.m3u8;a',
      'hls/42/main.m3u8%00',
      'hls\\42\\main.m3u8',
      'originals/0f3c.mp4',
    ]) {
      await assert.rejects(verifier.delivery(url.replace('hls/42/main.m3u8', path)), isRefused('invalid'), path)
    }
  })

  it('opens no other prefix, wider or narrower', async () => {
    const url = (await signer.prefix('', grant))('hls/42/720/0.m4s')
    for (const prefix of [
      'hls%2F',
      'hls%2F42',
      'hls%2F42%2F720%2F',
      '',
      'hls/42/',
      'hls%2f42%2f',
      '%2F',
      '__proto__',
    ]) {
      await assert.rejects(verifier.delivery(url.replace('hls%2F42%2F', prefix)), isRefused('invalid'), prefix)
    }
    await assert.rejects(verifier.delivery(url.replace('prefix=', 'type=text%2Fhtml&prefix=')), isRefused('invalid'))
    await assert.rejects(
      verifier.delivery(url.replace('&expires=', '&disposition=inline&expires=')),
      isRefused('invalid'),
    )
    await assert.rejects(verifier.upload(url.replace('/m/', '/u/')), isRefused('invalid'))
  })

  it('is not the signature of an object, nor the other way round', async () => {
    const object = await signer.delivery('', {
      key: 'hls/42/main.m3u8',
      type: 'application/vnd.apple.mpegurl',
      disposition: 'inline',
      filename: null,
      expires: grant.expires,
    })
    const under = (await signer.prefix('', grant))('hls/42/main.m3u8')
    const signatureOf = (url: string) => url.slice(url.indexOf('&kid='))
    const textOf = (url: string) => url.slice(0, url.indexOf('&kid='))
    await assert.rejects(verifier.delivery(textOf(object) + signatureOf(under)), isRefused('invalid'))
    await assert.rejects(verifier.delivery(textOf(under) + signatureOf(object)), isRefused('invalid'))
    // The text that was signed, sent as it is.
    await assert.rejects(verifier.delivery(under.replace('main.m3u8', '')), isRefused('invalid'))
  })

  it('is verified once, and time and place every time', async () => {
    let time = now()
    const bound = createVerifier(ring, { now: () => time })
    const urlOf = await signer.prefix('', { ...grant, place: placeOf({ country: 'KR' }) })
    await bound.delivery(urlOf('hls/42/0.m4s'), { country: 'KR' })
    await assert.rejects(bound.delivery(urlOf('hls/42/1.m4s'), { country: 'JP' }), isRefused('elsewhere'))
    await assert.rejects(bound.delivery(urlOf('hls/42/1.m4s')), isRefused('elsewhere'))
    time = grant.expires
    await assert.rejects(bound.delivery(urlOf('hls/42/2.m4s'), { country: 'KR' }), isRefused('expired'))
    const forged = urlOf('hls/42/0.m4s').replace(/.{4}$/, 'AAAA')
    await assert.rejects(bound.delivery(forged, { country: 'KR' }), isRefused('invalid'))
  })

  it('is not given for a prefix that does not end at a segment, or for a key that is not under it', async () => {
    for (const prefix of [
      '',
      '/',
      'hls',
      'hls/42',
      'hls//',
      '../',
      'hls/../',
      'hls/42/%2e/',
      'Hls/',
      `${'a'.repeat(512)}/`,
    ]) {
      await assert.rejects(signer.prefix('', { ...grant, prefix }), TypeError, prefix)
    }
    const urlOf = await signer.prefix('', grant)
    for (const key of ['hls/43/0.m4s', 'hls/42/', 'hls/42/../x.mp4', 'hls/42/a.html'])
      assert.throws(() => urlOf(key), TypeError)
  })
})
