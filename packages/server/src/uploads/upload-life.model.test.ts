/**
 * The life of uploads, assets and quota under random sequences of everything that can be done to them, against the real
 * server over HTTP: a model says what every answer and the quota must be. Once with a fixed seed and once with another
 * each time, which a failure prints together with the shortest sequence that shows it.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { examine } from '../doctor/index.ts'
import { jpeg, sha256 } from '../testing/photos.ts'
import { startTestServer, type TestServer } from '../testing/server.ts'
import { type Real, uploadCommands } from './testing/upload-commands.ts'
import type { Model } from './testing/upload-model.ts'

const limit = 10_000
const contents = [400, 700, 1_500, 3_000, 5_000, 9_000, 11_000].map((size) => {
  const bytes = jpeg(size)
  return { bytes, sha256: sha256(bytes) }
})

describe('uploads, assets and quota', () => {
  let server: TestServer
  const clock = { now: Date.now() }
  let accounts = 0

  before(async () => {
    server = await startTestServer(
      { STORAGE_LIMIT: String(limit), SESSION_DAYS: '3650' },
      { now: () => new Date(clock.now) },
    )
  })
  after(() => server.close())

  async function setUp(): Promise<{ model: Model; real: Real }> {
    accounts += 1
    const account = await server.register(`model${accounts}`)
    return { model: { limit, now: clock.now, uploads: [], assets: [] }, real: { server, account, clock } }
  }

  const property = fc.asyncProperty(
    fc.commands(uploadCommands(contents), { size: 'max', maxCommands: 40 }),
    async (commands) => {
      if (Date.now() > deadline) return
      const { model, real } = await setUp()
      await fc.asyncModelRun(() => ({ model, real }), commands)
      const { findings } = await examine({ ...server.engines, now: () => new Date(clock.now) }, { checksum: true })
      assert.deepEqual(findings, [])
    },
  )
  /** A slow machine tries fewer, and none is cut short: what it left running would disturb the next. */
  let deadline = 0
  const tryAll = (seed: object) => {
    deadline = Date.now() + 5_000
    return fc.assert(property, { numRuns: 20, ...seed })
  }

  it('are as the model says, for a fixed seed', () => tryAll({ seed: 20_261_120 }))

  it('are as the model says, for a seed of today', () => tryAll({}))
})
