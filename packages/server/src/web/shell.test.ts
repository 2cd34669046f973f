import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { preload } from './preload.ts'
import { parseShell } from './shell.ts'
import { shellHtml, startScript } from './testing/site.ts'

const shell = parseShell(shellHtml)

function readBack(html: string): unknown {
  // As an HTML parser does: the data ends at the first closing tag, whatever was meant.
  const [, text = ''] = /id="heliograph-first">(.*?)<\/script/s.exec(html) ?? []
  return JSON.parse(text)
}

describe('the shell', () => {
  it('gives back what was written into it, whatever people call themselves', () => {
    const hostile = [
      '</script><script>alert(1)</script>',
      '<!--<script>',
      ']]>',
      "$& $1 $` $'",
      '\u2028\u2029\u0000\ud800',
      '</head>',
      'null</script>',
    ]
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...hostile))
    fc.assert(
      fc.property(text, text, (name, other) => {
        const first = { me: { name }, list: [other] }
        const html = shell.render(first)
        assert.deepEqual(readBack(html), JSON.parse(JSON.stringify(first)))
        assert.equal(html.match(/<\/?script/g)?.length, shellHtml.match(/<\/?script/g)?.length)
        assert.equal(html.match(/<\/head>/g)?.length, 1)
      }),
    )
  })

  it('is as it was built when there is nothing to write', () => {
    assert.equal(shell.render(null), shellHtml)
  })

  it('names its inline scripts by their hashes, and no others', () => {
    const hash = createHash('sha256').update(startScript).digest('base64')
    assert.deepEqual(shell.scriptHashes, [`'sha256-${hash}'`])
  })

  it('takes preloads into its head, where no address can end the attribute', () => {
    const thumb = 'https://a.example/m/1?x="><script>&y=1'
    const html = shell.render(null, { early: preload({ ratio: 1, thumb, small: null }), late: '' })
    assert.match(
      html,
      /href="https:\/\/a\.example\/m\/1\?x=&quot;&gt;&lt;script&gt;&amp;y=1"[^<]*><script type="application\/json"/,
    )
  })

  it('is refused when the place for the data is missing', () => {
    assert.throws(() => parseShell('<html></html>'), /heliograph-first/)
  })
})
