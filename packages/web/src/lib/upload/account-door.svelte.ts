/** The door of whoever is signed in. It outlives the pages: uploads go on while somebody looks around. */
import type { Account } from '@heliograph/client'
import { client } from '../api.ts'
import { session } from '../session/session.svelte.ts'
import { createUploadDoor, type UploadDoor } from './door.svelte.ts'

let current: { accountId: string; door: UploadDoor } | null = null

export function accountDoor({ id }: Account): UploadDoor {
  if (current?.accountId === id) {
    current.door.goOn()
    return current.door
  }
  // Another person: what is left of the first one's waits for them.
  void current?.door.close()
  const door = createUploadDoor({
    client,
    scope: id,
    ping: () => client.server(),
    async findRoom() {
      const { storage } = await client.accounts.me()
      return Math.max(0, storage.limitBytes - storage.usedBytes - storage.reservedBytes)
    },
    maxFileSize: session.server?.maxFileSize ?? null,
    hasEvents: true,
    onSessionEnded: () => session.ended(),
    onIdle: () => void session.refresh().catch(() => undefined),
  })
  current = { accountId: id, door }
  return door
}

/** Nobody is signed in any more, and wanted it so. */
export async function closeAccountDoor(): Promise<void> {
  const door = current?.door
  current = null
  await door?.close()
}
