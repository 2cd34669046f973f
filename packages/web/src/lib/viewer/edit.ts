/** Changing what is said of a photo, without writing over what somebody else said meanwhile. */
import { ApiProblem, type Asset, type Client } from '@heliograph/client'

type Field = 'description' | 'capturedAt'

export interface Edited {
  /** As it is now. */
  asset: Asset
  /** False where the field was changed elsewhere since it was read; then nothing was written. */
  isSaved: boolean
}

/** Versions also change while sizes are made; those changes are no conflict. */
const attempts = 4

/** `base` is what was shown when the editing began. */
export async function editField(
  client: Pick<Client, 'request'>,
  id: string,
  field: Field,
  base: string | null,
  value: string | null,
): Promise<Edited> {
  const path = `/v1/assets/${encodeURIComponent(id)}`
  for (let attempt = 1; ; attempt += 1) {
    let etag: string | null = null
    const onHeaders = (headers: Headers) => {
      etag = headers.get('etag')
    }
    const current = await client.request<Asset>('GET', path, { onHeaders })
    if (current[field] === value) return { asset: current, isSaved: true }
    if (current[field] !== base) return { asset: current, isSaved: false }
    try {
      const headers: Record<string, string> = etag === null ? {} : { 'if-match': etag }
      const asset = await client.request<Asset>('PATCH', path, { body: { [field]: value }, headers })
      return { asset, isSaved: true }
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 412 || attempt >= attempts) throw error
    }
  }
}
