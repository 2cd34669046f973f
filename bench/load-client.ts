/**
 * A lean HTTP/1.1 client on `node:http`: bodies are handed to the socket by reference, so a thousand files in flight
 * share one buffer. Every failure is thrown as a `LoadError` whose message is a reason that can be counted.
 */
import { Agent, type IncomingMessage, request } from 'node:http'

export class LoadError extends Error {}

export interface Answer {
  status: number
  location: string | null
  text: string
}

export interface Call {
  /** Names the call in the reason of a failure. */
  phase: string
  method: string
  url: string
  headers?: Record<string, string | number>
  chunks?: Buffer[]
}

export interface LoadClient {
  /** Resolves with the answer when it is 2xx; throws `LoadError` otherwise. */
  send(call: Call): Promise<Answer>
  close(): void
}

/** Bodies of at most this many chunks are queued on the socket at once; longer ones wait for `drain`. */
const queuedChunks = 4

export function createLoadClient(): LoadClient {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

  function send(call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let answered = false
      const fail = (reason: string) => reject(new LoadError(`${call.phase}: ${reason}`))
      const outgoing = request(call.url, { method: call.method, agent, headers: call.headers ?? {} })
      outgoing.on('response', (response) => {
        answered = true
        readAnswer(response).then(
          (answer) => (answer.status < 300 ? resolve(answer) : fail(reasonOf(answer))),
          (error: Error) => fail(codeOf(error)),
        )
      })
      // A server that refuses early closes the connection while the body is still on its way: its answer counts.
      outgoing.on('error', (error) => {
        if (!answered) fail(codeOf(error))
      })
      writeBody(outgoing, call.chunks ?? [])
    })
  }

  return { send, close: () => agent.destroy() }
}

function writeBody(outgoing: ReturnType<typeof request>, chunks: Buffer[]): void {
  let next = 0
  const more = () => {
    while (next < chunks.length) {
      const fits = outgoing.write(chunks[next++])
      if (!fits && chunks.length > queuedChunks) {
        outgoing.once('drain', more)
        return
      }
    }
    outgoing.end()
  }
  more()
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return {
    status: response.statusCode ?? 0,
    location: response.headers.location ?? null,
    text: Buffer.concat(chunks).toString(),
  }
}

function reasonOf(answer: Answer): string {
  const problem = /"type":\s*"(\/problems\/[a-z-]+)"/.exec(answer.text)?.[1]
  return problem === undefined ? String(answer.status) : `${answer.status} ${problem}`
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
