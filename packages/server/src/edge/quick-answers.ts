/**
 * Answers again what was answered a moment ago: a whole small file, or the header with which nginx sends one. A page of
 * thumbnails is that and little else, and everything a framework does for a request costs several times the answer itself.
 *
 * Nothing is decided here. The first request for a URL goes the long way, which leaves its answer; the next ones get it for
 * as long as the verdict on the signature holds and a look at the file says that it is there. A request that says anything
 * the answer could depend on (a range, a condition, an origin, a body) goes the long way too.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Verifier } from '@heliograph/signing'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ObjectInfo } from '../engines/object-store/object-store.ts'
import { verdictLife } from './accel.ts'
import { cacheControl } from './answer.ts'
import type { Permission } from './delivery-grant.ts'
import type { RecentObjects } from './recent-objects.ts'
import type { Meter } from './transfer.ts'

type AnswerHeaders = Record<string, string | number | string[] | undefined>

export interface QuickAnswers {
  /** To be called with the whole answer to a request that said nothing else. */
  learn(request: FastifyRequest, permission: Permission, info: ObjectInfo, headers: AnswerHeaders): void
  /** Returns false, and has done nothing, where the long way has to be gone. */
  answer(request: IncomingMessage, response: ServerResponse): boolean
}

export interface QuickAnswersOptions {
  verifier: Pick<Verifier, 'recall'>
  recent: Pick<RecentObjects, 'recall'>
  meter: Pick<Meter, 'bytesOut' | 'observeRequest'>
  /** Seconds a client may take nothing of what waits for it. */
  idleSeconds: number
  now: () => Date
}

interface Learned {
  key: string
  etag: string
  /** Null for what is public. */
  expires: number | null
  /** Names and values in turn, all but those that tell the time that is left. */
  headers: string[]
  /** The proxy that sends the file itself; null when this edge does. */
  proxy: string | null
}

/** Each about two kilobytes. */
const capacity = 4_096

/** Headers on which an answer depends, or that announce a body. */
const telling = [
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'origin',
  'expect',
  'content-length',
  'transfer-encoding',
] as const

const timed = ['cache-control', 'x-accel-expires']

const labels = { method: 'GET', route: '/m/*', status: 200 }

export function createQuickAnswers(options: QuickAnswersOptions): QuickAnswers {
  const { verifier, recent, meter, idleSeconds, now } = options
  /** By URL, in the order in which they were learned. */
  const learned = new Map<string, Learned>()

  return {
    learn(request, { expires }, { key, etag }, headers) {
      const proxy = headers['x-accel-redirect'] === undefined ? null : (request.raw.socket.remoteAddress ?? '')
      if (request.method !== 'GET' || !isPlain(request.raw) || !isRendition(key)) return
      const kept = Object.entries(headers).flatMap(([name, value]) =>
        timed.includes(name) || value === undefined ? [] : [name, String(value)],
      )
      if (proxy !== null) kept.push('content-length', '0')
      learned.set(request.raw.url ?? '', { key, etag, expires, headers: kept, proxy })
      const [oldest] = learned.keys()
      if (learned.size > capacity && oldest !== undefined) learned.delete(oldest)
    },

    answer(request, response) {
      const { url = '', method } = request
      if (method !== 'GET' || !url.startsWith('/m/')) return false
      const known = learned.get(url)
      if (known === undefined || !isPlain(request)) return false
      if (known.expires !== null && verifier.recall(url) === null) return false
      const found = recent.recall(known.key)
      if (found === null || found.info.etag !== known.etag) return false
      if (known.proxy === null ? found.bytes === null : !comesFrom(known.proxy, request)) return false

      const began = performance.now()
      response.setTimeout(idleSeconds * 1000)
      const headers = [...known.headers, 'cache-control', cacheControl(known.expires, now())]
      if (known.proxy === null) {
        response.writeHead(200, headers).end(found.bytes)
        meter.bytesOut(found.info.size)
      } else {
        response.writeHead(200, [...headers, 'x-accel-expires', verdictLife(known, now())]).end()
      }
      meter.observeRequest(labels, (performance.now() - began) / 1000)
      return true
    },
  }
}

/** The look of a file, which is counted; that an original was taken is history, and the long way writes it. */
export function isRendition(key: string): boolean {
  return key.startsWith('renditions/') || key.startsWith('public/')
}

/** As the proxy that was trusted with the name of a file, which no client may learn. */
function comesFrom(proxy: string, { headers, socket }: IncomingMessage): boolean {
  return headers['x-forwarded-for'] !== undefined && socket.remoteAddress === proxy
}

function isPlain({ headers }: IncomingMessage): boolean {
  return telling.every((name) => headers[name] === undefined)
}

/** Puts the quick answers in front of the application, until it closes. */
export function answerFirst(app: FastifyInstance, { answer }: QuickAnswers): void {
  let isClosing = false
  app.addHook('preClose', (done) => {
    isClosing = true
    done()
  })
  app.addHook('onReady', (done) => {
    const listeners = app.server.listeners('request') as RequestListener[]
    app.server.removeAllListeners('request')
    app.server.on('request', (request, response) => {
      if (!isClosing && answer(request, response)) return
      for (const listener of listeners) listener.call(app.server, request, response)
    })
    done()
  })
}
