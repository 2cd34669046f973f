/** What a server must have done, as simply as it can be said: the model that `upload-life.model.test.ts` compares it with. */

export interface ModelContent {
  bytes: Buffer
  sha256: string
}

export interface ModelUpload {
  id: string
  content: ModelContent
  strategy: 'single' | 'multipart'
  state: 'uploading' | 'completed' | 'aborted' | 'expired'
  /** What lies at its key. */
  stored: 'nothing' | 'right' | 'wrong'
  /** Answer to the plan: where the bytes go. */
  url: string
  /** Milliseconds of the injected clock until which the URL may be used. */
  urlDies: number
  assetId: string | null
}

export interface ModelAsset {
  id: string
  content: ModelContent
  isTrashed: boolean
  /** The upload whose object it is. */
  upload: ModelUpload
}

export interface Model {
  limit: number
  /** Milliseconds, of the injected clock. */
  now: number
  uploads: ModelUpload[]
  assets: ModelAsset[]
}

export function used({ assets }: Model): number {
  return assets.reduce((sum, { content }) => sum + content.bytes.length, 0)
}

export function reserved({ uploads }: Model): number {
  return uploads
    .filter(({ state }) => state === 'uploading')
    .reduce((sum, { content }) => sum + content.bytes.length, 0)
}

export function assetOf({ assets }: Model, content: ModelContent): ModelAsset | undefined {
  return assets.find((asset) => asset.content === content)
}

/** The upload is completed by this asset: its own, or the one that had the bytes before. */
export function completed(model: Model, upload: ModelUpload, assetId: string): void {
  upload.state = 'completed'
  upload.assetId = assetId
  const existing = assetOf(model, upload.content)
  if (existing === undefined) {
    model.assets.push({ id: assetId, content: upload.content, isTrashed: false, upload })
    return
  }
  existing.isTrashed = false
  upload.stored = 'nothing'
}

export function ended(upload: ModelUpload, state: 'aborted' | 'expired'): void {
  upload.state = state
  upload.stored = 'nothing'
}
