/**
 * The one HTML file behind every page of the site, into which the server writes the first data. That holds names that people
 * chose, so it is written in a way that no text can end the element it stands in.
 */
import { createHash } from 'node:crypto'

export interface Shell {
  /** As it was built, without anybody's data. */
  plain: string
  /** `'sha256-…'` of every script in it, for the Content-Security-Policy. */
  scriptHashes: string[]
  /** Paths of the styles it links, which every page has. Where it is rendered those links are not in it. */
  styles: string[]
  /** `early` is markup that goes before everything that is fetched, `late` goes at the end of the head. */
  render(first: unknown, head?: { early: string; late: string }): string
}

const placeholder = '<script type="application/json" id="heliograph-first">null</script>'

/** As SvelteKit writes it. */
const styleLink = /<link href="([^"]+)" rel="stylesheet">/g

/** Throws when the file is not the shell of the site. */
export function parseShell(html: string): Shell {
  const [beforeData, afterData] = cutAt(html.replace(styleLink, ''), placeholder)
  return {
    plain: html,
    scriptHashes: hashScripts(html),
    styles: [...html.matchAll(styleLink)].map(([, path = '']) => path),
    render(first, { early, late } = { early: '', late: '' }) {
      const data = placeholder.replace('null', () => toScriptJson(first))
      // Not by a search in what was just written, where a text could stand for the mark.
      return beforeData + early + data + insertBefore(afterData, '</head>', late)
    },
  }
}

/**
 * JSON that may stand in a script element: no `<` is left that could end it or open a comment (HTML section 4.12.1.3), and
 * none of the two line separators that older scripts do not take.
 */
export function toScriptJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const entities: Record<string, string> = { '&': '&amp;', '"': '&quot;', "'": '&#39;', '<': '&lt;', '>': '&gt;' }

/** For text in a quoted attribute. */
export function escapeAttribute(text: string): string {
  return text.replace(/[&"'<>]/g, (character) => entities[character] ?? '')
}

/** Data blocks are no scripts to the browser and need no permission. */
function hashScripts(html: string): string[] {
  return [...html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/gi)]
    .filter(([, attributes = '']) => !/\bsrc\s*=/i.test(attributes) && !/application\/json/i.test(attributes))
    .map(([, , text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
}

function cutAt(text: string, mark: string): [string, string] {
  const index = text.indexOf(mark)
  if (index < 0) throw new Error(`The shell of the site has no ${mark}`)
  return [text.slice(0, index), text.slice(index + mark.length)]
}

function insertBefore(text: string, mark: string, insertion: string): string {
  const [before, after] = cutAt(text, mark)
  return before + insertion + mark + after
}
