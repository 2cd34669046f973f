/** Somebody's visit to a shared album: what they may see of it, and the way in. */
import { ApiProblem, type Asset, type Page, type SharedAlbum } from '@heliograph/client'
import { client } from '../api.ts'
import { createPagedSource, type PagedSource } from '../grid/source.svelte.ts'

export type VisitState = 'loading' | 'locked' | 'open' | 'expired' | 'gone' | 'failed'

const pageSize = 200

export function visit(token: string) {
  return new Visit(token)
}

class Visit {
  readonly token: string
  readonly link: ReturnType<typeof client.link>
  state = $state<VisitState>('loading')
  shared = $state.raw<SharedAlbum | null>(null)
  error = $state.raw<unknown>(null)
  /** While it is open. */
  source = $state.raw<PagedSource | null>(null)

  constructor(token: string) {
    this.token = token
    this.link = client.link(token)
    void this.refresh()
  }

  close(): void {
    this.source?.close()
  }

  /** What the link shows and allows now; it may be over since it was last asked. */
  async refresh(): Promise<void> {
    try {
      this.shared = await this.link.album()
      this.error = null
      this.source ??= createPagedSource((cursor) => this.loadPage(cursor), this.shared.album.assetCount)
      this.state = 'open'
    } catch (error) {
      this.#refused(error)
    }
  }

  async loadPage(cursor: string | null): Promise<Page<Asset>> {
    try {
      return await this.link.assets.list({ cursor, limit: pageSize })
    } catch (error) {
      if (isRefusal(error)) this.#refused(error)
      throw error
    }
  }

  async loadOne(id: string): Promise<Asset> {
    try {
      return await this.link.assets.get(id)
    } catch (error) {
      // A photo that is not there is not a link that is not there.
      if (isRefusal(error) && !(error instanceof ApiProblem && error.status === 404)) this.#refused(error)
      throw error
    }
  }

  /** Throws what the server says. */
  async unlock(password: string): Promise<void> {
    await this.link.unlock(password)
    await this.refresh()
  }

  /** Shows what was added meanwhile. */
  async catchUp(): Promise<void> {
    await this.refresh()
    const count = this.shared?.album.assetCount ?? 0
    if (this.source !== null && this.source.state === 'ready' && this.source.length !== count) {
      await this.source.reload(count)
    }
  }

  #refused(error: unknown): void {
    this.error = error
    const state = stateOf(error)
    // A connection that fails takes nothing away that is on the screen.
    if (state === 'failed' && this.state === 'open') return
    this.state = state
    if (state === 'failed') return
    this.source?.close()
    this.source = null
    this.shared = null
  }
}

function isRefusal(error: unknown): boolean {
  return stateOf(error) !== 'failed'
}

function stateOf(error: unknown): VisitState {
  if (!(error instanceof ApiProblem)) return 'failed'
  if (error.code === 'password-required') return 'locked'
  if (error.status === 410) return 'expired'
  return error.status === 404 ? 'gone' : 'failed'
}
