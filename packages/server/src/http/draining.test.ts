import assert from 'node:assert/strict'
import http from 'node:http'
import { test } from 'node:test'
import { jpeg, sha256 } from '../testing/photos.ts'
import { startTestServer } from '../testing/server.ts'
import { plan } from '../testing/upload.ts'

test('a server that is told to stop turns load away first and loses no request', async () => {
  const server = await startTestServer({ DRAIN_DELAY: '1' })
  const ann = await server.register('ann')

  // A stream that is half-way when the server is told to stop.
  const bytes = jpeg(2_000_000)
  const sent = new Promise<{ status: number; body: string }>((resolve, reject) => {
    const request = http.request(`${server.address}/v1/assets?filename=a.jpg`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'image/jpeg', 'content-length': bytes.length },
    })
    request.on('error', reject).on('response', (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    request.write(bytes.subarray(0, 1_000_000))
    setTimeout(() => request.end(bytes.subarray(1_000_000)), 1_500)
  })

  await new Promise((resolve) => setTimeout(resolve, 200))
  const closed = server.close()

  // Within the drain delay: not ready any more, but everything is still answered.
  const answers: number[] = []
  let isReady = true
  const until = Date.now() + 700
  while (Date.now() < until) {
    isReady = (await fetch(`${server.address}/readyz`)).status === 200
    answers.push((await plan(ann, jpeg(200))).status)
  }
  assert.equal(isReady, false)
  assert.deepEqual([...new Set(answers)], [201])

  const { status, body } = await sent
  assert.equal(status, 201)
  assert.equal(JSON.parse(body).asset.sha256, sha256(bytes))
  await closed
  await assert.rejects(fetch(`${server.address}/healthz`))
})

test('readiness says which engine is down, and liveness stays', async () => {
  let isDown = false
  const server = await startTestServer(
    {},
    {
      store: (store) =>
        new Proxy(store, {
          get(target, name) {
            if (name === 'ping' && isDown) return () => Promise.reject(new Error('injected'))
            const value: unknown = Reflect.get(target, name)
            return typeof value === 'function' ? value.bind(target) : value
          },
        }),
    },
  )
  try {
    assert.equal((await fetch(`${server.address}/readyz`)).status, 200)
    isDown = true
    const notReady = await fetch(`${server.address}/readyz`)
    assert.equal(notReady.status, 503)
    assert.deepEqual(((await notReady.json()) as { checks: unknown }).checks, { database: 'up', store: 'down' })
    assert.equal((await fetch(`${server.address}/healthz`)).status, 200)
  } finally {
    await server.close()
  }
})
