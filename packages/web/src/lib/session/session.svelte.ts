/** Who is signed in, for every page to read. */
import { type Account, ApiProblem, type Credentials, type Registration, type ServerInfo } from '@heliograph/client'
import { client } from '../api.ts'
import { firstData } from '../first-data.ts'

class Session {
  me = $state<Account | null>(null)
  server = $state<ServerInfo | null>(null)
  #known: Promise<void> | null = null

  /** Resolves when it is known whether somebody is signed in. Rejects when the server cannot be reached. */
  known(): Promise<void> {
    this.#known ??= this.#find().catch((error: unknown) => {
      this.#known = null
      throw error
    })
    return this.#known
  }

  async #find(): Promise<void> {
    const first = firstData()
    this.server = first?.server ?? (await client.server())
    this.me = first === null ? await askMe() : first.me
  }

  /** Storage and name as they are now. */
  async refresh(): Promise<void> {
    this.me = await askMe()
  }

  async signIn(credentials: Credentials): Promise<void> {
    const { account } = await client.sessions.create(credentials)
    this.me = account
  }

  async register(registration: Registration): Promise<void> {
    const { account } = await client.accounts.register(registration)
    this.me = account
  }

  async signOut(): Promise<void> {
    await client.sessions.end()
    this.me = null
  }

  /** The server said that the session is over. */
  ended(): void {
    this.me = null
  }
}

async function askMe(): Promise<Account | null> {
  try {
    return await client.accounts.me()
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 401) return null
    throw error
  }
}

export const session = new Session()
