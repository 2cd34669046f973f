/** What a tus client was told is there is there, also when the server was killed while more was on its way. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { jpeg, sha256 } from '../../testing/photos.ts'
import { createTestDatabase } from '../../testing/postgres.ts'
import { type ServerProcess, startServerProcess } from '../../testing/process.ts'
import { stores } from '../../testing/s3-and-files.ts'
import { call, register } from '../../testing/server.ts'
import { storageOf } from '../../testing/upload.ts'

const mebibyte = 1024 * 1024
const protocol = { 'tus-resumable': '1.0.0', 'content-type': 'application/offset+octet-stream' }

for (const { name, skip, environment } of stores) {
  describe(`a server killed in the middle of a tus upload on ${name}`, { skip }, () => {
    test('has every byte that was acknowledged, and the next one goes on from there', async (t) => {
      const database = await createTestDatabase()
      const dataDir = await mkdtemp(join(tmpdir(), 'heliograph-killed-'))
      let running: ServerProcess | null = null
      t.after(async () => {
        await running?.kill()
        await database.drop()
        await rm(dataDir, { recursive: true, force: true })
      })
      const settings = { ...environment(), DATABASE_URL: database.url, DATA_DIR: dataDir }
      const bytes = jpeg(9 * mebibyte)

      const first = await startServerProcess(settings)
      running = first
      const account = await register(first.address, 'anna')
      const { headers } = await account.call('POST', '/v1/tus', undefined, {
        'tus-resumable': '1.0.0',
        'upload-length': String(bytes.length),
        'upload-metadata': `filetype ${btoa('image/jpeg')}`,
      })
      const path = headers.get('location') ?? ''
      let acknowledged = 0
      for (const size of [2_000_000, 1_500_000]) {
        const answer = await account.call('PATCH', path, bytes.subarray(acknowledged, acknowledged + size), {
          ...protocol,
          'upload-offset': String(acknowledged),
        })
        assert.equal(answer.status, 204)
        acknowledged = Number(answer.headers.get('upload-offset'))
      }
      const sending = request(first.address + path, {
        method: 'PATCH',
        headers: {
          ...protocol,
          authorization: `Bearer ${account.token}`,
          'upload-offset': acknowledged,
          'content-length': bytes.length - acknowledged,
        },
      })
      sending.on('error', () => undefined)
      await new Promise((resolve) => sending.write(bytes.subarray(acknowledged, acknowledged + mebibyte), resolve))
      await first.kill()

      const second = await startServerProcess(settings)
      running = second
      const again = (method: string, body?: Uint8Array, more: Record<string, string> = {}) =>
        call(second.address, account.token, method, path, body, { 'tus-resumable': '1.0.0', ...more })
      // The lease of the killed server has to run out first.
      const offset = Number((await again('HEAD')).headers.get('upload-offset'))
      assert.ok(offset >= acknowledged, `${acknowledged} bytes were acknowledged and ${offset} are there`)
      const rest = bytes.subarray(offset)
      const finished = await again('PATCH', rest, { ...protocol, 'upload-offset': String(offset) })
      assert.equal(finished.status, 204)
      const assetId = finished.headers.get('heliograph-asset-id')
      const asset = await call(second.address, account.token, 'GET', `/v1/assets/${assetId}`)
      const { body } = await call(second.address, null, 'GET', asset.body.urls.original)
      assert.equal(sha256(body), sha256(bytes))
      const owner = { ...account, call: call.bind(null, second.address, account.token) }
      const { usedBytes, reservedBytes } = await storageOf(owner)
      assert.deepEqual({ usedBytes, reservedBytes }, { usedBytes: bytes.length, reservedBytes: 0 })
    })
  })
}
