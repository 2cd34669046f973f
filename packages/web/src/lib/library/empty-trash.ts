/** Everything in the trash, page by page: what is trashed meanwhile goes too, as it is in the trash. */
import { client } from '../api.ts'
import { remove } from './actions.ts'

/** As many as one list brings. */
const atOnce = 500

/** Throws when something is left. */
export async function emptyTrash(): Promise<void> {
  for (;;) {
    const { items } = await client.assets.list({ trashed: true, limit: atOnce })
    if (items.length === 0) return
    await remove(items.map(({ id }) => id))
  }
}
