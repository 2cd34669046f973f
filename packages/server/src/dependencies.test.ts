/** The direction of dependencies, held by reading the imports: http, worker, edge and cli → domains → engines. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, normalize, relative } from 'node:path'
import { test } from 'node:test'

const root = import.meta.dirname
/** What every layer may use: the vocabulary of errors. */
const vocabulary = new Set(['problem.ts', 'store-problem.ts'])
/** The part of the door that route files of domains declare themselves with. */
const routeVocabulary = new Set([
  'http/admission.ts',
  'http/conventions.ts',
  'http/encoding.ts',
  'http/policy.ts',
  'http/silent-client.ts',
  'http/unread-body.ts',
])

interface Import {
  from: string
  to: string
}

async function readImports(): Promise<Import[]> {
  const files = (await readdir(root, { recursive: true })).filter(
    (path) => path.endsWith('.ts') && !/\.(test|crash)\.ts$/.test(path) && !/(^|\/)testing\//.test(path),
  )
  const imports = await Promise.all(
    files.map(async (from) => {
      const text = await readFile(join(root, from), 'utf8')
      return [...text.matchAll(/from '(\.[^']+)'/g)].map(([, target = '']) => ({
        from,
        to: normalize(join(dirname(from), target)),
      }))
    }),
  )
  return imports.flat()
}

const folderOf = (path: string) => (path.includes('/') ? (path.split('/')[0] ?? '') : '')
const isDoor = (folder: string) => ['', 'cli', 'composition', 'worker', 'http', 'edge'].includes(folder)

test('engines know nothing of the domains', async () => {
  const wrong = (await readImports()).filter(
    ({ from, to }) => folderOf(from) === 'engines' && folderOf(to) !== 'engines' && !vocabulary.has(to),
  )
  assert.deepEqual(wrong, [])
})

test('a domain reaches another through its index alone', async () => {
  const wrong = (await readImports()).filter(({ from, to }) => {
    const [source, target] = [folderOf(from), folderOf(to)]
    if (source === target || target === 'engines' || target === '' || source === '') return false
    // The parts of the door are files of their own; only the composition and the command line reach into them.
    if (isDoor(source) && isDoor(target)) return false
    return !to.endsWith('/index.ts') && !routeVocabulary.has(to)
  })
  assert.deepEqual(wrong, [])
})

test('only route files of a domain know the door', async () => {
  const wrong = (await readImports()).filter(
    ({ from, to }) =>
      !isDoor(folderOf(from)) &&
      folderOf(from) !== 'engines' &&
      folderOf(to) === 'http' &&
      // In which coding bytes lie ready is known before anybody asks for them.
      to !== 'http/encoding.ts' &&
      !/rout|telemetry|jwks|cookie/.test(from),
  )
  assert.deepEqual(wrong, [])
})

test('the environment is read by the settings alone', async () => {
  const files = (await readdir(root, { recursive: true })).filter(
    (path) => path.endsWith('.ts') && !/\.(test|crash)\.ts$/.test(path) && !/^(testing|config)\//.test(path),
  )
  const reading: string[] = []
  for (const file of files) {
    if (/process\.env\b/.test(await readFile(join(root, file), 'utf8'))) reading.push(relative(root, join(root, file)))
  }
  // The command line hands it over, once.
  assert.deepEqual(reading, ['cli/main.ts'])
})
