import type { Client } from '../client.ts'

/** The calls that an upload makes. A whole client has them; so has the client of a link, by which guests upload. */
export interface UploadClient {
  /** Tells apart what is remembered of unfinished uploads: of this server, or of one link of it. */
  baseUrl: string
  uploads: Client['uploads']
  /** `restore` takes a duplicate out of the trash. Guests have no trash. */
  assets?: { get: unknown; restore?: Client['assets']['restore'] }
}
