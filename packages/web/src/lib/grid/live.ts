/**
 * Follows what happens to the library on the server while anybody watches, and tells it as changes. The stream is closed when
 * the page has been hidden for long, and goes on where it was when the page is seen again.
 */
import { type AccountEvent, ApiProblem, type Asset, type EventReset } from '@heliograph/client'
import { client } from '../api.ts'
import { session } from '../session/session.svelte.ts'
import { changes } from './changes.ts'
import { itemOf } from './item.ts'
import { createPause } from './pause.ts'

/** Milliseconds out of sight after which the stream is closed. */
const longHidden = 60_000
/** Milliseconds that the first screen has for itself before the stream is opened. */
const beginning = 800
/** Milliseconds in which events are gathered. */
const gathering = 300
/** One request takes as many. */
const mostAtOnce = 500
/** Milliseconds before an item whose picture fails is read once more. */
const patience = 300_000

function createLive() {
  let watchers = 0
  let stream: AbortController | null = null
  let lastEventId: string | null = null
  let hiding: ReturnType<typeof setTimeout> | undefined
  const touched = new Set<string>()
  const trashed = new Set<string>()
  const deleted = new Set<string>()
  const readAt = new Map<string, number>()
  const telling = createPause(gathering, tell)

  /** The last state of each counts: what was trashed and restored since is there. */
  function hear(event: AccountEvent | EventReset): void {
    lastEventId = event.eventId
    if (event.type === 'reset') {
      changes.emit({ reset: true })
      return
    }
    if (event.type !== 'asset.updated') return
    for (const ids of [trashed, deleted, touched]) ids.delete(event.id)
    const ids = event.state === 'trashed' ? trashed : event.state === 'deleted' ? deleted : touched
    ids.add(event.id)
    telling.soon()
  }

  async function tell(): Promise<void> {
    if (trashed.size > 0) changes.emit({ removed: [...trashed], isTrashed: true })
    if (deleted.size > 0) changes.emit({ removed: [...deleted] })
    trashed.clear()
    deleted.clear()
    const ids = [...touched].slice(0, mostAtOnce)
    for (const id of ids) touched.delete(id)
    if (touched.size > 0) telling.soon()
    if (ids.length === 0) return
    try {
      const { items } = await client.request<{ items: Asset[] }>('GET', '/v1/assets', { query: { ids: ids.join(',') } })
      changes.emit({ updated: items.filter(({ trashedAt }) => trashedAt === null).map(itemOf) })
    } catch {
      // No way to the server, or none for these: whatever loads next brings them.
    }
  }

  async function listen(signal: AbortSignal): Promise<void> {
    // A stream that goes on where it was missed nothing; a new one begins now.
    let isNew = lastEventId === null
    const onOpen = () => {
      if (isNew) changes.emit({ missed: true })
      isNew = false
    }
    try {
      for await (const event of client.events({ signal, lastEventId, onOpen })) hear(event)
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) session.ended()
    }
  }

  function start(): void {
    if (stream !== null || watchers === 0) return
    stream = new AbortController()
    void listen(stream.signal)
  }

  function stop(): void {
    stream?.abort()
    stream = null
  }

  function onVisibility(): void {
    clearTimeout(hiding)
    if (document.hidden) hiding = setTimeout(stop, longHidden)
    else start()
  }

  return {
    /** Follows until the returned function is called. */
    open(): () => void {
      watchers += 1
      if (watchers === 1) {
        document.addEventListener('visibilitychange', onVisibility)
        setTimeout(start, beginning)
      }
      return () => {
        watchers -= 1
        if (watchers > 0) return
        document.removeEventListener('visibilitychange', onVisibility)
        clearTimeout(hiding)
        stop()
        // What happens while nobody watches is not missed by whoever loads afterwards.
        lastEventId = null
      }
    },
    /** Has an item read again whose picture could not be had: its address may have grown too old. Once in a while only. */
    readAgain(id: string): void {
      const now = Date.now()
      if (now - (readAt.get(id) ?? 0) < patience) return
      if (readAt.size > mostAtOnce) readAt.clear()
      readAt.set(id, now)
      touched.add(id)
      telling.soon()
    },
  }
}

export const live = createLive()
