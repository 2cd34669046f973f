/** The one way the site talks to its server: the typed client, with the session cookie of this origin. */
import { createClient } from '@heliograph/client'

export const client = createClient({ baseUrl: '' })
