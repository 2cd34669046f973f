/**
 * The shapes of the HTTP contract under the names people use for them. `api.generated.ts` is made from the server's own
 * OpenAPI document by `npm run generate`. What is missing here can be called through `client.request`.
 */
import type { components, operations } from './api.generated.ts'

/** JSON of the answer of an operation with a status. */
type Answer<Name extends keyof operations, Status extends number> = operations[Name] extends {
  responses: Record<Status, { content: { 'application/json': infer Body } }>
}
  ? Body
  : never

/** JSON that an operation takes. */
type Body<Name extends keyof operations> = operations[Name] extends {
  requestBody?: { content: { 'application/json': infer Json } }
}
  ? Json
  : never

/** Query parameters of an operation. */
type Query<Name extends keyof operations> = NonNullable<operations[Name]['parameters']['query']>

export type Asset = components['schemas']['Asset']
export type AssetKind = Asset['kind']
export type AssetState = Asset['state']
/** `cursor` as the page before gave it, null for the first. */
export type AssetQuery = Omit<Query<'listAssets'>, 'cursor'> & { cursor?: string | null }
export interface Page<T> {
  items: T[]
  /** Of the next page; null on the last one. */
  nextCursor: string | null
}

export type TimelineFilter = Query<'getTimeline'>
export type TimelineMonth = Answer<'getTimeline', 200>['items'][number]
export type TimelineQuery = Query<'getTimelineMonth'>
/** What a page of thumbnails needs of an asset. */
export type TimelineItem = components['schemas']['TimelineItem']

export type ServerInfo = Answer<'getServer', 200>
export type Account = Answer<'getMe', 200>
export type Registration = Body<'register'>
export type NewAccount = Answer<'register', 201>
export type Credentials = Body<'signIn'>
export type Session = Answer<'signIn', 201>
/** What is absent stays. */
export type AccountChanges = Body<'updateMe'>
/** What everyone may see of an account. */
export type Profile = Answer<'getProfile', 200>
export type PersonalToken = Answer<'listTokens', 200>['items'][number]
export type TokenRequest = Body<'createToken'>
export type TokenScope = TokenRequest['scopes'][number]
export type NewPersonalToken = Answer<'createToken', 201>

export type PlanRequest = Body<'planUpload'>
export type Purpose = NonNullable<PlanRequest['purpose']>
export type UploadPlan = Answer<'planUpload', 201>
/** A plan, or the asset that the account has with the same SHA-256. */
export type PlanResult = UploadPlan | Answer<'planUpload', 200>
export type Transfer = UploadPlan['transfer']
/** One part and where to put it; parts are numbered from 1. */
export type PlannedPart = Transfer['parts'][number]
export type PartUrl = PlannedPart['urls'][number]
export type UploadStatus = Answer<'getUpload', 200>
export type UploadState = UploadStatus['state']
/** A part that the store holds. */
export type ReceivedPart = UploadStatus['received'][number]
/** One try to put one part, as told to the server so that it knows which networks and endpoints work. */
export type PartAttempt = Body<'reportAttempts'>['attempts'][number]

/** An album as somebody sees it who belongs to it. */
export type Album = components['schemas']['Album']
export type AlbumRole = Album['role']
export type AlbumOrder = Album['order']
export type AlbumDetails = Answer<'getAlbum', 200>
export type AlbumMember = components['schemas']['AlbumMember']
export type AlbumAsset = components['schemas']['AlbumAsset']
/** Somebody with an account here, as others see them. */
export type Person = Album['owner']
export type AlbumRequest = Body<'createAlbum'>
/** What is absent stays. */
export type AlbumChanges = Body<'editAlbum'>

/** A link to an album, as its owner sees it. */
export type ShareLink = Answer<'createLink', 201>
export type LinkRequest = Body<'createLink'>
/** What is absent stays. */
export type LinkChanges = Body<'editLink'>
/** An album as a link shows it, with what the link allows. */
export type SharedAlbum = Answer<'getSharedAlbum', 200>
export type SharedAsset = Answer<'getSharedAsset', 200>
export type UnlockedLink = Answer<'unlockLink', 200>
