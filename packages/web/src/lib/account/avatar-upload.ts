/** A picture from this device becomes the picture of the account: uploaded, decoded, set, and waited for until it can be seen. */
import { type Account, type Client, createUploader } from '@heliograph/client'

export type AvatarPhase = 'uploading' | 'processing'

/** No image, or one that could not be read. */
export class NoPicture extends Error {}

/** How often to look whether it is done, and how long; milliseconds. */
const every = 700
const patience = 60_000

/**
 * Resolves with the account, whose `avatarUrl` is null when preparing the picture takes longer than anyone waits. Throws
 * `NoPicture`, and whatever an upload can fail with.
 */
export async function uploadAvatar(
  client: Client,
  file: File,
  onphase: (phase: AvatarPhase) => void,
): Promise<Account> {
  onphase('uploading')
  const outcome = await createUploader({ client }).add(file, { plan: { purpose: 'avatar' } }).done
  if (outcome.state === 'failed') throw outcome.error
  if (outcome.state === 'cancelled') throw new NoPicture('The upload was cancelled')
  onphase('processing')
  const { id } = outcome.asset
  const asset = await until(
    () => client.assets.get(id),
    ({ state }) => state !== 'processing',
  )
  if (asset.kind !== 'image' || asset.state === 'failed')
    throw new NoPicture(`Asset ${id} is no image that can be shown`)
  await client.accounts.update({ avatarAssetId: id })
  return until(
    () => client.accounts.me(),
    ({ avatarUrl }) => avatarUrl !== null,
  )
}

/** The last that was read, also when time ran out. */
async function until<T>(read: () => Promise<T>, isDone: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + patience
  for (;;) {
    const value = await read()
    if (isDone(value) || Date.now() > deadline) return value
    await new Promise((resolve) => setTimeout(resolve, every))
  }
}
