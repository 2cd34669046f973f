/** The album that a page shows: what it is, what is in it, and who may do what here. */
import type { Album, AlbumAsset, AlbumChanges, AlbumDetails, AlbumMember, Page } from '@heliograph/client'
import { SvelteMap } from 'svelte/reactivity'
import { client } from '../api.ts'
import { changes } from '../grid/changes.ts'
import { live } from '../grid/live.ts'
import { createPagedSource, type PagedSource } from '../grid/source.svelte.ts'
import { session } from '../session/session.svelte.ts'
import { movesSent } from './pending-moves.ts'

/** Assets of a page; enough for two screens of small tiles. */
const pageSize = 200
/** Milliseconds in which changes are gathered before the album is read again. */
const gathering = 800

export type OpenAlbum = ReturnType<typeof openAlbum>

export function openAlbum(id: string) {
  return new AlbumOnScreen(id)
}

class AlbumOnScreen {
  readonly id: string
  details = $state.raw<AlbumDetails | null>(null)
  /** Why it could not be read. */
  error = $state.raw<unknown>(null)
  readonly source: PagedSource
  /** By the id of the asset; null for a guest. */
  readonly #adders = new SvelteMap<string, AlbumAsset['addedBy']>()
  readonly isOwner = $derived(this.details?.role === 'owner')
  readonly canAdd = $derived(this.details !== null && this.details.role !== 'viewer')
  readonly #unfollow: () => void
  readonly #closeLive: () => void
  #soon: ReturnType<typeof setTimeout> | undefined

  constructor(id: string) {
    this.id = id
    this.source = createPagedSource((cursor) => this.loadPage(cursor))
    this.#unfollow = changes.follow(({ removed, restored, updated, reset }) => {
      const isNew = updated?.some((item) => this.source.find(item.id) === null) === true
      if (removed !== undefined || restored !== undefined || isNew || reset === true) this.#refreshSoon()
    })
    this.#closeLive = live.open()
    void this.refresh()
  }

  close(): void {
    clearTimeout(this.#soon)
    this.#unfollow()
    this.#closeLive()
    this.source.close()
  }

  async loadPage(cursor: string | null): Promise<Page<AlbumAsset>> {
    // Somebody who has just arranged it sees what they did, also when they were quicker than the network.
    await movesSent(this.id)
    const page = await client.albums.assets(this.id, { cursor, limit: pageSize })
    for (const asset of page.items) this.#adders.set(asset.id, asset.addedBy)
    return page
  }

  async loadOne(assetId: string): Promise<AlbumAsset> {
    const asset = await client.albums.asset(this.id, assetId)
    this.#adders.set(asset.id, asset.addedBy)
    return asset
  }

  async refresh(): Promise<void> {
    try {
      this.details = await client.albums.get(this.id)
      this.error = null
    } catch (error) {
      this.error = error
    }
  }

  /** Reads both again where they no longer agree, as when something was added from elsewhere. */
  async catchUp(): Promise<void> {
    await this.refresh()
    const count = this.details?.assetCount ?? 0
    if (this.source.state === 'ready' && count !== this.source.length) await this.source.reload(count)
  }

  #refreshSoon(): void {
    clearTimeout(this.#soon)
    this.#soon = setTimeout(() => void this.catchUp(), gathering)
  }

  /** Throws what the server says, for the place where it was typed. */
  async change(edit: AlbumChanges): Promise<void> {
    const changed = await client.albums.update(this.id, edit)
    this.#know(changed)
    if (edit.order !== undefined) await this.source.reload(changed.assetCount)
  }

  membersAre(members: AlbumMember[]): void {
    if (this.details !== null) this.details = { ...this.details, members, memberCount: members.length }
  }

  #know(album: Album): void {
    this.details = { ...album, members: this.details?.members ?? [] }
  }

  /** Whether it is the person's own: what guests added belongs to the owner of the album. Not of what is unknown. */
  isMine(assetId: string): boolean {
    const adder = this.#adders.get(assetId)
    if (adder === undefined) return false
    return adder === null ? this.isOwner : adder.handle === session.me?.handle
  }

  mayTakeOut(assetId: string): boolean {
    return this.isOwner || (this.canAdd && this.isMine(assetId))
  }

  /** Who added it, where that is neither the person nor, as one expects, the owner. */
  adder(assetId: string): { isGuest: boolean; name: string } | null {
    const adder = this.#adders.get(assetId)
    if (adder === undefined) return null
    if (adder === null) return { isGuest: true, name: '' }
    const { handle, name } = adder
    return handle === session.me?.handle || handle === this.details?.owner.handle ? null : { isGuest: false, name }
  }
}
