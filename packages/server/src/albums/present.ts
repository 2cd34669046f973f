/** Albums and what is in them, as one of those who belong to it is shown them. */
import { type Static, Type } from 'typebox'
import { type People, type Person, PersonSchema } from '../accounts/index.ts'
import { AssetSchema, type Presenter } from '../assets/index.ts'
import type { Deliverable } from '../delivery/index.ts'
import type { Db } from '../engines/database/database.ts'
import { noSuchAlbum, type OpenAlbum } from './album.ts'
import type { AlbumAssetRow } from './content.ts'
import { countPeople, findAlbumFacts } from './facts.ts'
import { listMembers } from './members.ts'

const OptionalTime = Type.Union([Type.String({ format: 'date-time' }), Type.Null()])
export const OrderSchema = Type.Union([Type.Literal('newest'), Type.Literal('oldest'), Type.Literal('custom')], {
  description: 'By the time of capture, or as the owner arranged it',
})
export const MemberRoleSchema = Type.Union([Type.Literal('viewer'), Type.Literal('contributor')])

const albumFields = {
  id: Type.String({ format: 'uuid' }),
  title: Type.String(),
  description: Type.Union([Type.String(), Type.Null()]),
  coverUrl: Type.Union([Type.String(), Type.Null()], {
    description: 'Signed; a small picture of the cover, null while there is none',
  }),
  coverAssetId: Type.Union([Type.String({ format: 'uuid' }), Type.Null()], {
    description: 'The chosen cover, else the first of the album; null when it is empty',
  }),
  coverThumbhash: Type.Union([Type.String(), Type.Null()], { description: 'Base64' }),
  assetCount: Type.Integer(),
  role: Type.Union([Type.Literal('owner'), Type.Literal('contributor'), Type.Literal('viewer')], {
    description: 'What you may do: a contributor adds and takes out their own, a viewer looks',
  }),
  order: OrderSchema,
  shareLocation: Type.Boolean({ description: 'Members see where things were taken' }),
  owner: PersonSchema,
  memberCount: Type.Integer({ description: 'Without the owner' }),
  hasLinks: Type.Boolean({ description: 'Shown to people without an account; told to the owner alone' }),
  capturedFrom: OptionalTime,
  capturedTo: OptionalTime,
  createdAt: Type.String({ format: 'date-time' }),
  updatedAt: Type.String({ format: 'date-time' }),
}

export const AlbumSchema = Type.Object(albumFields, { $id: 'Album' })
export const MemberSchema = Type.Object({ ...PersonSchema.properties, role: MemberRoleSchema }, { $id: 'AlbumMember' })
export const AlbumWithMembersSchema = Type.Object(
  { ...albumFields, members: Type.Array(MemberSchema) },
  { $id: 'AlbumWithMembers' },
)
export const AlbumAssetSchema = Type.Object(
  {
    ...AssetSchema.properties,
    addedBy: Type.Union([PersonSchema, Type.Null()], { description: 'Null for a guest who came by a link' }),
  },
  { $id: 'AlbumAsset' },
)

export type Album = Static<typeof AlbumSchema>
export type AlbumAsset = Static<typeof AlbumAssetSchema>
export type AlbumMember = Static<typeof MemberSchema>
export type AlbumWithMembers = Static<typeof AlbumWithMembersSchema>

export interface AlbumPresenterDeps {
  db: Db
  people: People
  presenter: Presenter
  /** Signs the URL of a file. */
  urlOf(file: Deliverable): Promise<string>
  now: () => Date
}

export type AlbumPresenter = ReturnType<typeof createAlbumPresenter>

export function createAlbumPresenter({ db, people, presenter, urlOf, now }: AlbumPresenterDeps) {
  /** With a handful of queries for all; one that ended meanwhile is left out. */
  async function all(albums: OpenAlbum[]): Promise<Album[]> {
    const ids = albums.map(({ row }) => row.id)
    const [facts, counts, owners] = await Promise.all([
      findAlbumFacts(db, ids),
      countPeople(db, ids, now()),
      people.find(albums.map(({ row }) => row.owner_id)),
    ])
    const presented = await Promise.all(
      albums.map(async ({ row, role }): Promise<Album | null> => {
        const [fact, count, owner] = [facts.get(row.id), counts.get(row.id), owners.get(row.owner_id)]
        if (fact === undefined || count === undefined || owner === undefined) return null
        const { cover } = fact
        return {
          id: row.id,
          title: row.title,
          description: row.description,
          coverUrl: cover?.file == null ? null : await urlOf(cover.file),
          coverAssetId: cover?.assetId ?? null,
          coverThumbhash: cover?.thumbhash == null ? null : Buffer.from(cover.thumbhash).toString('base64'),
          assetCount: fact.assetCount,
          role,
          order: row.sort,
          shareLocation: row.share_location,
          owner,
          memberCount: count.members,
          hasLinks: role === 'owner' && count.hasLinks,
          capturedFrom: fact.capturedFrom?.toISOString() ?? null,
          capturedTo: fact.capturedTo?.toISOString() ?? null,
          createdAt: row.created_at.toISOString(),
          updatedAt: row.updated_at.toISOString(),
        }
      }),
    )
    return presented.filter((album) => album !== null)
  }

  async function one(album: OpenAlbum): Promise<Album> {
    const [presented] = await all([album])
    if (presented === undefined) throw noSuchAlbum()
    return presented
  }

  return {
    all,
    one,

    async withMembers(album: OpenAlbum): Promise<AlbumWithMembers> {
      const [presented, members] = await Promise.all([one(album), listMembers(db, album.row.id)])
      const found = await people.find(members.map(({ accountId }) => accountId))
      return {
        ...presented,
        members: members.flatMap(({ accountId, role }) => {
          const person = found.get(accountId)
          return person === undefined ? [] : [{ ...person, role }]
        }),
      }
    },

    /** Their own as they know them, those of others as far as the album shares them. */
    async assets(viewerId: string, { row }: OpenAlbum, assets: AlbumAssetRow[]): Promise<AlbumAsset[]> {
      const own = assets.filter(({ owner_id }) => owner_id === viewerId)
      const foreign = assets.filter(({ owner_id }) => owner_id !== viewerId)
      const [seenOwn, seenForeign, adders] = await Promise.all([
        presenter.all(own),
        presenter.forOthers(foreign, { location: row.share_location, originals: true }),
        people.find(assets.flatMap(({ added_by }) => added_by ?? [])),
      ])
      const seen = new Map([...seenOwn, ...seenForeign].map((asset) => [asset.id, asset]))
      const adderOf = ({ added_by }: AlbumAssetRow): Person | null =>
        added_by === null ? null : (adders.get(added_by) ?? null)
      return assets.flatMap((asset) => {
        const presented = seen.get(asset.id)
        return presented === undefined ? [] : [{ ...presented, addedBy: adderOf(asset) }]
      })
    },
  }
}
