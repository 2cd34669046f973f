import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { publicObject } from './index.ts'

describe('public objects', () => {
  const name = '0123456789abcdef0123456789abcdef'

  it('are those with a random key and the extension of a type that cannot run script', () => {
    const types = { webp: 'image/webp', avif: 'image/avif', jpg: 'image/jpeg', mp4: 'video/mp4' }
    for (const [extension, type] of Object.entries(types)) {
      const key = `public/${name}.${extension}`
      assert.deepEqual(publicObject(`/m/${key}`), { key, type })
    }
  })

  it('are nothing else', () => {
    for (const path of [
      `/m/public/${name}`,
      `/m/public/${name}.svg`,
      `/m/public/${name}.html`,
      `/m/public/${name}.webp.html`,
      `/m/public/${name}.webp?x=1`,
      `/m/public/${name}.webp/`,
      `/m/public/${name}.webp\n`,
      `/m/public/${name.toUpperCase()}.webp`,
      `/m/public/${name}0.webp`,
      `/m/public/../originals/${name}.webp`,
      `/m/public/%2e%2e/originals/${name}.webp`,
      `/m//public/${name}.webp`,
      `/m/originals/${name}.webp`,
      `/u/public/${name}.webp`,
      `https://media.example/m/public/${name}.webp`,
    ]) {
      assert.equal(publicObject(path), null, path)
    }
  })
})
