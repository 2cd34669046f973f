import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Dropped, findAgain, walkDropped, walkPicked } from './walk.ts'

/** A tree as the browser's interfaces show it: names of files, and folders of them. */
interface Tree {
  [name: string]: Tree | 'file' | 'forbidden'
}

const fileOf = (name: string) => new File(['x'], name)

function entryOf(name: string, node: Tree[string], batch = 2): FileSystemEntry {
  if (typeof node === 'string') {
    return {
      name,
      isFile: true,
      isDirectory: false,
      file: (resolve: (file: File) => void, reject: (error: unknown) => void) =>
        node === 'file' ? resolve(fileOf(name)) : reject(new DOMException('no', 'NotReadableError')),
    } as unknown as FileSystemEntry
  }
  return {
    name,
    isFile: false,
    isDirectory: true,
    createReader() {
      const left = Object.entries(node)
      return {
        readEntries: (resolve: (entries: FileSystemEntry[]) => void) =>
          resolve(left.splice(0, batch).map(([child, tree]) => entryOf(child, tree))),
      }
    },
  } as unknown as FileSystemEntry
}

function handleOf(name: string, node: Tree[string]): FileSystemHandle {
  if (typeof node === 'string') {
    return { name, kind: 'file', getFile: async () => fileOf(name) } as unknown as FileSystemHandle
  }
  const child = async (wanted: string) => handleOf(wanted, node[wanted] ?? {})
  return {
    name,
    kind: 'directory',
    async *values() {
      for (const [inner, tree] of Object.entries(node)) yield handleOf(inner, tree)
    },
    getFileHandle: child,
    getDirectoryHandle: child,
  } as unknown as FileSystemHandle
}

const tree: Tree = {
  'a.jpg': 'file',
  'b.jpg': 'file',
  'c.jpg': 'file',
  day: { 'd.jpg': 'file', deep: { 'e.jpg': 'file' } },
  '@eaDir': { 'thumb.jpg': 'file' },
}
const dropped = (parts: Partial<Dropped>): Dropped => ({
  handle: Promise.resolve(null),
  entry: null,
  file: null,
  ...parts,
})

async function pathsOf(items: Dropped[]): Promise<string[]> {
  const paths: string[] = []
  for await (const found of walkDropped(items)) paths.push('path' in found ? found.path : `! ${found.unreadable}`)
  return paths
}

const all = ['Trip/a.jpg', 'Trip/b.jpg', 'Trip/c.jpg', 'Trip/day/d.jpg', 'Trip/day/deep/e.jpg']

describe('a dropped folder', () => {
  it('is walked to its last file, though readers give few entries at a time', async () => {
    assert.deepEqual(await pathsOf([dropped({ entry: entryOf('Trip', tree) })]), all)
  })

  it('is walked by handles where there are any, which are kept to find the files again', async () => {
    const root = handleOf('Trip', tree)
    assert.deepEqual(await pathsOf([dropped({ handle: Promise.resolve(root), entry: entryOf('Trip', tree) })]), all)
    for await (const found of walkDropped([dropped({ handle: Promise.resolve(root) })])) {
      assert.ok('root' in found && found.root === root)
      assert.equal((await findAgain(root, found.path)).name, found.file.name)
    }
  })

  it('goes on beside what cannot be read', async () => {
    const items = [dropped({ entry: entryOf('Trip', { 'a.jpg': 'forbidden', 'b.jpg': 'file' }) })]
    assert.deepEqual(await pathsOf(items), ['! Trip/a.jpg', 'Trip/b.jpg'])
  })
})

describe('a dropped file', () => {
  it('without entry or handle is taken as it is', async () => {
    assert.deepEqual(await pathsOf([dropped({ file: fileOf('a.jpg') })]), ['a.jpg'])
  })

  it('is found again by its own handle', async () => {
    assert.equal((await findAgain(handleOf('a.jpg', 'file'), 'a.jpg')).name, 'a.jpg')
  })
})

describe('a picked folder', () => {
  it('keeps its paths and leaves out what lies in hidden folders', () => {
    const pick = (path: string) =>
      Object.defineProperty(fileOf(path.slice(path.lastIndexOf('/') + 1)), 'webkitRelativePath', { value: path })
    const found = [...walkPicked([pick('Trip/a.jpg'), pick('Trip/.cache/b.jpg')])]
    assert.deepEqual(
      found.map(({ path }) => path),
      ['Trip/a.jpg'],
    )
  })
})
