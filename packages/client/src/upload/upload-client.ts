import type { Client } from '../client.ts'

/** The calls that an upload makes. A whole client has them; so has what a guest may do by a link. */
export interface UploadClient {
  /** Tells apart what is remembered of unfinished uploads: of this server, or of one link of it. */
  baseUrl: string
  uploads: Client['uploads']
  /** Takes a duplicate out of the trash. Absent for guests, who have none. */
  assets?: Pick<Client['assets'], 'restore'>
}
