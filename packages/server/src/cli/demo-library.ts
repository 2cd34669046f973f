/** What makes a heap of files a library that somebody lives with: favourites, albums, a link. */
import type { Asset, Client } from '@heliograph/client'
import type { Picture } from './demo-pictures.ts'
import type { Scene } from './demo-scenes.ts'

export interface DemoLibrary {
  assets: number
  albums: number
  /** Address of an album that anyone with the link may look at. */
  sharedUrl: string | null
}

interface AlbumPlan {
  title: string
  description: string
  scenes: Scene[]
}

const albumPlans: AlbumPlan[] = [
  { title: 'Above the tree line', description: 'Four days from hut to hut.', scenes: ['mountains', 'forest'] },
  { title: 'By the sea', description: 'Salt on everything.', scenes: ['sea', 'dunes'] },
  { title: 'City lights', description: 'Walks after dark.', scenes: ['city', 'aurora'] },
]

/** Every so many photos is a favourite. */
const favouriteEvery = 7

interface Album {
  id: string
  title: string
}

/** Done before, it is found and left as it is. */
export async function arrangeLibrary(client: Client, pictures: Picture[]): Promise<DemoLibrary> {
  const assets = await listAssets(client)
  const idOf = new Map(assets.map(({ filename, id }) => [filename, id]))
  const idsOf = (some: Picture[]) => some.flatMap(({ filename }) => idOf.get(filename) ?? [])

  const favourites = assets.filter((_, index) => index % favouriteEvery === 2).map(({ id }) => id)
  if (!assets.some(({ favorite }) => favorite) && favourites.length > 0) {
    await client.request('PATCH', '/v1/assets', { body: { ids: favourites, favorite: true } })
  }

  const known = await listAll((cursor) =>
    client.request<{ items: Album[]; nextCursor: string | null }>('GET', '/v1/albums', {
      query: { limit: 100, cursor },
    }),
  )
  const albums: Album[] = []
  for (const plan of albumPlans) {
    const assetIds = idsOf(pictures.filter(({ scene }) => plan.scenes.includes(scene)))
    const album = known.find(({ title }) => title === plan.title) ?? (await makeAlbum(client, plan, assetIds))
    if (album !== null) albums.push(album)
  }
  return { assets: assets.length, albums: albums.length, sharedUrl: await shareFirst(client, albums) }
}

export function listAssets(client: Client): Promise<Asset[]> {
  return listAll((cursor) => client.assets.list({ limit: 500, cursor }))
}

async function makeAlbum(client: Client, { title, description }: AlbumPlan, assetIds: string[]): Promise<Album | null> {
  if (assetIds.length === 0) return null
  return client.request<Album>('POST', '/v1/albums', {
    body: { title, description, assetIds: assetIds.slice(0, 1000) },
  })
}

async function shareFirst(client: Client, [album]: Album[]): Promise<string | null> {
  if (album === undefined) return null
  const path = `/v1/albums/${album.id}/links`
  const { items } = await client.request<{ items: { url: string }[] }>('GET', path)
  const link = items[0] ?? (await client.request<{ url: string }>('POST', path, { body: {} }))
  return link.url
}

async function listAll<T>(
  read: (cursor: string | null) => Promise<{ items: T[]; nextCursor: string | null }>,
): Promise<T[]> {
  const all: T[] = []
  let cursor: string | null = null
  do {
    const page = await read(cursor)
    all.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return all
}
