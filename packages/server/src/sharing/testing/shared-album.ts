/** A server with an album of every kind of file, shared by links: what the tests of this folder begin with. */
import sharp from 'sharp'
import {
  call,
  type Json,
  startTestServer,
  type TestAccount,
  type TestAnswer,
  type TestServer,
} from '../../testing/server.ts'
import { upload } from '../../testing/upload.ts'
import { video } from '../../testing/videos.ts'

export interface LinkFields {
  expiresAt?: string | null
  password?: string | null
  allowDownload?: boolean
  allowUpload?: boolean
  showLocation?: boolean
}

export interface SharedServer {
  server: TestServer
  ann: TestAccount
  /** A photo, a film that is streamed, and one that plays as it is. */
  photo: Json
  film: Json
  clip: Json
  /** Milliseconds by which the server is ahead of time, or the moment at which its time stands still. */
  clock: { ahead: number; stoppedAt: number | null }
  /** A new album of ann's with these assets; all three when absent. Answers its id. */
  makeAlbum(assetIds?: string[]): Promise<string>
  makeLink(albumId: string, fields?: LinkFields): Promise<Json>
  close(): Promise<void>
}

export async function startSharedServer(environment: Record<string, string> = {}): Promise<SharedServer> {
  const clock: SharedServer['clock'] = { ahead: 0, stoppedAt: null }
  const now = () => new Date(clock.stoppedAt ?? Date.now() + clock.ahead)
  const server = await startTestServer(environment, { now })
  // The first of a server is its administrator, who cannot be suspended.
  await server.register('overseer')
  const ann = await server.register('ann')
  const ids = [
    await add(await picture(), 'image/jpeg'),
    await add(await video('320x240', { everywhere: false }), 'video/quicktime'),
    await add(await video('320x240', { everywhere: true }), 'video/quicktime'),
  ]
  await server.settleJobs()
  const [photo, film, clip] = await Promise.all(ids.map(async (id) => (await ann.call('GET', `/v1/assets/${id}`)).body))

  async function add(bytes: Buffer, contentType: string): Promise<string> {
    return (await upload(ann, bytes, { contentType })).id
  }

  return {
    server,
    ann,
    photo,
    film,
    clip,
    clock,
    async makeAlbum(assetIds = ids) {
      const { status, body } = await ann.call('POST', '/v1/albums', { title: 'Trip', assetIds })
      if (status !== 201) throw new Error(`Making an album answered ${status}`)
      return body.id
    },
    async makeLink(albumId, fields = {}) {
      const { status, body } = await ann.call('POST', `/v1/albums/${albumId}/links`, fields)
      if (status !== 201) throw new Error(`Making a link answered ${status}: ${JSON.stringify(body)}`)
      return body
    },
    close: () => server.close(),
  }
}

export function picture(background = 'teal'): Promise<Buffer> {
  return sharp({ create: { width: 1500, height: 1000, channels: 3, background } })
    .jpeg()
    .toBuffer()
}

/** Calls below `/v1/links/<token>` without an account. */
export type VisitorCall = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<TestAnswer>

export function visitorOf(server: TestServer, token: string, own: Record<string, string> = {}): VisitorCall {
  return (method, path, body, headers) =>
    call(server.address, null, method, `/v1/links/${token}${path}`, body, { ...own, ...headers })
}

export async function unlock(server: TestServer, token: string, password: string): Promise<string> {
  const { status, body } = await visitorOf(server, token)('POST', '/unlock', { password })
  if (status !== 200) throw new Error(`Unlocking answered ${status}`)
  return body.access
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
