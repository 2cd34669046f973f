/**
 * The routes of the site: its files as they were built, and its shell for every page. One wildcard takes whatever no other
 * route does, so that an address of a page works when it is typed, and an unknown path of the API stays a problem.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { chooseCoding, codings, encodeQuickly, quickCodings } from '../http/encoding.ts'
import { answerBeforeBodyEnds } from '../http/unread-body.ts'
import { type FirstData, type FirstDataDeps, readFirstData } from './first-data.ts'
import type { Page } from './pages.ts'
import { preloadFirstRow } from './preload.ts'
import { contentSecurityPolicy, fileHeaders, pageHeaders } from './security-headers.ts'
import type { Site } from './site.ts'
import type { SiteFile } from './site-files.ts'
import { unbuiltPage } from './unbuilt.ts'

export interface SiteRoutesDeps {
  /** Null while it is not built. */
  site: Site | null
  firstData: FirstDataDeps
  /** Origins that files are read from and sent to. Asked once, by the first request: a free port is known late. */
  findOrigins(): Promise<{ reading: string[]; writing: string[] }>
}

declare module 'fastify' {
  interface FastifyReply {
    /** The page of the site that is being sent. */
    page: Page | null
  }
}

/** What is never a page, known or not. */
const notPages = /^\/(?:v1|m|u|docs|problems|_app|\.well-known|healthz|readyz|metrics)(?:\/|$)/

const policy = {
  access: 'public',
  why: 'The site is the same for everyone; the data in it is that of the cookie, or none',
} as const

export function siteRoutes(deps: SiteRoutesDeps): FastifyPluginAsync {
  const { site } = deps
  let origins: ReturnType<SiteRoutesDeps['findOrigins']> | null = null
  async function policyOf(styleHashes: string[]): Promise<string> {
    origins ??= deps.findOrigins()
    try {
      return contentSecurityPolicy({ scriptHashes: site?.shell.scriptHashes ?? [], styleHashes, ...(await origins) })
    } catch (error) {
      // The next page asks again.
      origins = null
      throw error
    }
  }

  return async (app) => {
    app.decorateReply('page', null)
    app.addHook('onSend', async (request, reply) => {
      const contentType = String(reply.getHeader('content-type'))
      if (contentType.startsWith('application/problem')) return
      // What only a page can make use of would be more bytes than many a file has itself.
      reply.headers(fileHeaders)
      if (!contentType.startsWith('text/html') && !isWorker(pathOf(request))) return
      reply.headers(pageHeaders).header('content-security-policy', await policyOf(reply.page?.styleHashes ?? []))
    })

    app.get('/*', { config: { policy }, schema: { hide: true } }, async (request, reply) => {
      const path = pathOf(request)
      const file = site?.files.get(path)
      if (file !== undefined) return sendFile(request, reply, file)
      if (!isPage(request, path)) return reply.callNotFound()
      if (site === null) return sendUnbuilt(reply)

      const first = await readFirstData(deps.firstData, { path, cookies: request.cookies }, (error) =>
        request.log.warn({ err: error }, 'a page was sent without its first data'),
      )
      const known = site.pages.find(whereItLeads(path, first))
      if (known === null) reply.code(404)
      const page = known ?? site.pages.other
      reply.page = page
      // Pictures before scripts: they are shown before any of those has run.
      const head = { early: preloadFirstRow(first?.timeline ?? null), late: page.head }
      return sendPage(request, reply, site.shell.render(first, head))
    })

    await app.register(shareTarget)
  }
}

/**
 * Where a phone's share sheet posts to. The site's service worker takes that before it leaves the phone; when it comes here
 * there is no worker yet, and without its own credentials a form from outside must not put files into a library.
 */
async function shareTarget(app: FastifyInstance): Promise<void> {
  answerBeforeBodyEnds(app)
  app.post(
    '/share',
    {
      config: { policy: { access: 'public', why: 'It does nothing but send the browser to the page that says so' } },
      schema: { hide: true },
      // Before anybody reads or parses the body.
      onRequest: async (_request, reply) =>
        reply.code(303).header('location', '/photos?share=failed').send('See /photos?share=failed\n'),
    },
    async (_request, reply) => reply,
  )
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: SiteFile) {
  const offered = codings.filter((coding) => file.coded.has(coding))
  const coding = chooseCoding(request.headers['accept-encoding'], offered)
  const etag = coding === null ? `"${file.digest}"` : `"${file.digest}-${coding}"`
  reply.headers({ etag, 'cache-control': file.cacheControl })
  if (file.coded.size > 0) varyByCoding(reply)
  if (names(request.headers['if-none-match'], etag)) return reply.code(304).send()
  if (coding !== null) reply.header('content-encoding', coding)
  return reply.type(file.contentType).send((coding === null ? undefined : file.coded.get(coding)) ?? file.bytes)
}

/**
 * It holds what is the visitor's own. Nothing of the request itself is written into it, so its size tells a stranger who makes
 * a browser ask for it nothing about what stands beside (BREACH).
 */
async function sendPage(request: FastifyRequest, reply: FastifyReply, html: string) {
  const coding = chooseCoding(request.headers['accept-encoding'], quickCodings)
  varyByCoding(reply.type('text/html; charset=utf-8').header('cache-control', 'private, no-store'))
  if (coding === null) return reply.send(html)
  return reply.header('content-encoding', coding).send(await encodeQuickly(html, coding))
}

function sendUnbuilt(reply: FastifyReply) {
  return reply.code(503).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(unbuiltPage)
}

/** The first address sends its visitors on, who should not wait for what they see there. */
function whereItLeads(path: string, first: FirstData | null): string {
  if (path !== '/' || first === null) return path
  return first.me === null ? '/sign-in' : '/photos'
}

/** It has a policy of its own, whoever starts it. */
function isWorker(path: string): boolean {
  return /worker/.test(path)
}

/** Browsers ask for pages by name; a program that takes anything is told the truth about a path that is none. */
function isPage(request: FastifyRequest, path: string): boolean {
  if (notPages.test(path)) return false
  return path === '/' || /\btext\/html\b/.test(request.headers.accept ?? '')
}

/** Besides `Origin`, where other origins are allowed. */
function varyByCoding(reply: FastifyReply): void {
  const others = reply.getHeader('vary')
  reply.header('vary', others === undefined ? 'accept-encoding' : `${others}, accept-encoding`)
}

/** Weak comparison (RFC 9110 section 13.1.2). */
function names(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((tag) => [etag, '*'].includes(tag.trim().replace(/^W\//, '')))
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? '/'
}
