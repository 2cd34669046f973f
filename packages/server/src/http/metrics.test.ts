import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jpeg } from '../testing/photos.ts'
import { startTestServer } from '../testing/server.ts'
import { plan, upload } from '../testing/upload.ts'

test('metrics tell rate, errors and duration by route, bytes, pool and queue', async () => {
  const server = await startTestServer()
  try {
    const ann = await server.register('ann')
    await upload(ann, jpeg(10_000))
    await plan(ann, jpeg(200), { contentType: 'application/pdf' })
    const text = await (await fetch(`${server.opsAddress}/metrics`)).text()
    const value = (pattern: RegExp) => Number(new RegExp(`^${pattern.source} (.+)$`, 'm').exec(text)?.[1])
    const route = (status: number) =>
      new RegExp(
        `heliograph_http_request_duration_seconds_count\\{method="POST",route="/v1/uploads",status="${status}"\\}`,
      )
    assert.equal(value(route(201)), 1)
    assert.equal(value(route(415)), 1)
    assert.equal(value(/heliograph_media_bytes_total\{direction="in"\}/), 10_000)
    assert.ok(value(/heliograph_database_connections\{state="open"\}/) >= 1)
    assert.equal(value(/heliograph_database_connections\{state="waiting"\}/), 0)
    assert.ok(value(/heliograph_jobs\{state="waiting"\}/) >= 0)
    assert.ok(value(/heliograph_jobs_oldest_due_seconds/) >= 0)
    assert.ok(value(/heliograph_nodejs_eventloop_lag_p99_seconds/) >= 0)
    assert.equal((await fetch(`${server.address}/metrics`)).status, 404, 'not on the public port')
  } finally {
    await server.close()
  }
})
