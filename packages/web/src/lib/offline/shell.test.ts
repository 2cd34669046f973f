import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPage, withoutFirstData } from './shell.ts'

const shell = (data: string, head = '') =>
  `<!doctype html><head>${head}<script type="application/json" id="heliograph-first">${data}</script></head><body></body>`

describe('the page that is kept for times without a network', () => {
  it("holds nobody's data", () => {
    const theirs = shell(
      '{"me":{"name":"\\u003cAnn"}}',
      '<link rel="preload" as="image" href="/m/ann?signature=1" fetchpriority="high">',
    )
    assert.equal(withoutFirstData(theirs), shell('null'))
    assert.equal(withoutFirstData(shell('null')), shell('null'))
  })

  it('is not kept when it cannot be told what is in it', () => {
    assert.equal(withoutFirstData('<!doctype html>'), null)
    assert.equal(withoutFirstData(shell('1') + shell('2')), null)
    assert.equal(withoutFirstData('<script id="heliograph-first">{"me":1}</script>'), null)
  })

  it('stands for pages, and for nothing else of the server', () => {
    for (const path of ['/', '/photos', '/photos/0190', '/s/token']) assert.ok(isPage(path), path)
    for (const path of ['/v1/assets', '/m/x', '/docs', '/healthz', '/icon.svg', '/share', '/_app/x.js']) {
      assert.ok(!isPage(path), path)
    }
  })
})
