/**
 * The load of case j, run by it as a process of its own: reads a `TimelinePlan` from standard input, asks for its paths over
 * one connection a token, and prints one `TimelineResult`.
 */
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

export interface TimelinePlan {
  url: string
  /** Sessions, each asking over a connection of its own. */
  tokens: string[]
  /** All of them together ask for these, in this order. */
  paths: string[]
  /** Milliseconds from one request of a session to its next; null for at once. */
  every: number | null
}

/** Milliseconds of one request, from its first byte to the last of its answer. */
export interface TimelineResult {
  count: number
  p50: number
  p95: number
  slowest: number
  seconds: number
  /** Of all bodies, as they came. */
  bytes: number
}

async function run(plan: TimelinePlan): Promise<TimelineResult> {
  const took: number[] = []
  let bytes = 0
  const waiting = plan.paths[Symbol.iterator]()
  const began = performance.now()
  await Promise.all(
    plan.tokens.map(async (token, index) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      // Each in its own place of the second.
      let next = began + ((plan.every ?? 0) * index) / plan.tokens.length
      for (const path of waiting) {
        if (plan.every !== null) await delay(Math.max(0, next - performance.now()))
        const start = performance.now()
        // Not `bytes += await …`: that adds to what it was before the wait, and many wait at once.
        const size = await ask(`${plan.url}${path}`, token, agent)
        bytes += size
        took.push(performance.now() - start)
        next += plan.every ?? 0
      }
      agent.destroy()
    }),
  )
  const seconds = (performance.now() - began) / 1000
  took.sort((one, other) => one - other)
  const quantile = (q: number) => took[Math.ceil(q * took.length) - 1] ?? Number.NaN
  return { count: took.length, p50: quantile(0.5), p95: quantile(0.95), slowest: quantile(1), seconds, bytes }
}

function ask(url: string, token: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'accept-encoding': 'zstd' }
    const outgoing = request(url, { agent, headers }, (response) => {
      let size = 0
      response.on('data', (bytes: Buffer) => {
        size += bytes.byteLength
      })
      response.on('end', () =>
        response.statusCode === 200 ? resolve(size) : reject(new Error(`${url} answered ${response.statusCode}`)),
      )
      response.on('error', reject)
    })
    outgoing.on('error', reject).end()
  })
}

const result = await run(JSON.parse(await text(process.stdin)) as TimelinePlan)
process.stdout.write(JSON.stringify(result))
