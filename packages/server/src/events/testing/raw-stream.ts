/** An event stream as its bytes come, read by a client that knows nothing of ours. */
import { get, type IncomingMessage } from 'node:http'

export interface Block {
  event: string | null
  id: string | null
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what they have just received.
  data: any
}

export interface RawStream {
  headers: IncomingMessage['headers']
  status: number
  /** The last id of any block, heartbeats included. */
  lastId(): string | null
  /** The next block, heartbeats included; null when the server ended the stream. */
  nextBlock(): Promise<Block | null>
  /** The next block that is an event. */
  next(): Promise<Block | null>
  /** Reads no more for now. */
  pause(): void
  resume(): void
  close(): void
}

export async function openStream(
  address: string,
  headers: Record<string, string>,
  lastEventId?: string | null,
): Promise<RawStream> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const resumption = lastEventId === undefined || lastEventId === null ? {} : { 'last-event-id': lastEventId }
    get(`${address}/v1/events`, { headers: { ...headers, ...resumption }, agent: false }, resolve).on('error', reject)
  })
  const blocks: Block[] = []
  let isOver = false
  let rest = ''
  let lastId: string | null = null
  let arrival = Promise.withResolvers<void>()

  response.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n\n')
    rest = parts.pop() ?? ''
    blocks.push(...parts.map(parse))
    arrival.resolve()
  })
  const finish = () => {
    isOver = true
    arrival.resolve()
  }
  response.on('error', finish).on('close', finish)

  async function nextBlock(): Promise<Block | null> {
    for (;;) {
      const block = blocks.shift()
      if (block !== undefined) {
        lastId = block.id ?? lastId
        return block
      }
      if (isOver) return null
      arrival = Promise.withResolvers()
      await arrival.promise
    }
  }

  return {
    headers: response.headers,
    status: response.statusCode ?? 0,
    lastId: () => lastId,
    nextBlock,
    async next() {
      for (;;) {
        const block = await nextBlock()
        if (block === null || block.event !== null) return block
      }
    },
    pause: () => response.pause(),
    resume: () => response.resume(),
    close: () => response.destroy(),
  }
}

function parse(text: string): Block {
  const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(text)?.[1] ?? null
  const data = field('data')
  return { event: field('event'), id: field('id'), data: data === null ? null : JSON.parse(data) }
}
