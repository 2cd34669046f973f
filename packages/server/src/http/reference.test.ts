import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../testing/server.ts'

test('the reference is a page that loads all it needs from here', async () => {
  const server = await startTestServer()
  try {
    const page = await fetch(`${server.address}/docs`)
    assert.equal(page.status, 200)
    assert.doesNotMatch(page.headers.get('content-security-policy') ?? '', /https?:|unsafe-inline|upgrade/)
    const links = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link)
    assert.ok(links.length > 2)
    for (const link of links) {
      const answer = await fetch(new URL(link, page.url))
      assert.equal(answer.status, 200, link)
      await answer.arrayBuffer()
    }
    const document = (await (await fetch(`${server.address}/v1/openapi.json`)).json()) as {
      openapi: string
      paths: Record<string, Record<string, { operationId?: string; description?: string; summary?: string }>>
    }
    assert.equal(document.openapi, '3.1.0')
    for (const path of ['/v1/uploads', '/v1/uploads/{id}/complete', '/v1/assets', '/v1/accounts/me', '/v1/timeline']) {
      assert.ok(document.paths[path], path)
    }
  } finally {
    await server.close()
  }
})
