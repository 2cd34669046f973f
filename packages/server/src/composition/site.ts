/** The site, served by the api role with the first data of whoever asks. */
import type { FastifyPluginAsync } from 'fastify'
import { describeServer } from '../accounts/index.ts'
import type { Timeline } from '../timeline/index.ts'
import { defaultPartSize } from '../uploads/index.ts'
import { type FirstTimeline, openSite, siteFolder, siteRoutes } from '../web/index.ts'
import type { Domains } from './domains.ts'
import { version } from './version.ts'

export async function siteRole(domains: Domains): Promise<FastifyPluginAsync[]> {
  const { config, log, injected, accounts, authenticator, timeline } = domains
  if (config.web === 'off') return []
  const site = await openSite(injected.site ?? siteFolder)
  if (site === null) log.warn('the site is not built; pages say so')
  return [
    siteRoutes({
      site,
      firstData: {
        authenticate: authenticator.authenticate,
        readAccount: async (accountId) => (await accounts.readOwn(accountId)).view,
        readServer: () => describeServer(accounts, { ...config, version, partSize: defaultPartSize }),
        readTimeline: (accountId) => readTimeline(timeline, accountId),
      },
      findOrigins: () => findOrigins(domains),
    }),
  ]
}

/** Items of the newest month: more than any first screen shows. */
const firstItems = 60

/** Null for an empty library. */
async function readTimeline(timeline: Timeline, accountId: string): Promise<FirstTimeline | null> {
  const months = await timeline.months(accountId)
  const newest = months[0]
  if (newest === undefined) return null
  const items = await timeline.items(accountId, newest.month, {}, { offset: 0, limit: firstItems })
  return { months, first: { month: newest.month, items } }
}

/** A key like any other, for asking where URLs lead; no object has it. */
const sampleFile = { object_key: `originals/${'0'.repeat(32)}`, content_type: 'image/jpeg', filename: null }

/** Where browsers read files from and send them to. URLs are asked for it, as only whoever makes them knows for sure. */
async function findOrigins({ site, delivery, store, uploadContext }: Domains) {
  const stored = await store.presigner?.get(sampleFile.object_key, {
    contentType: sampleFile.content_type,
    contentDisposition: 'inline',
    expiresIn: 60,
  })
  return {
    // Playlists of films come from the api, whoever delivers their parts.
    reading: origins([await delivery.urlOf(sampleFile), site.publicUrl]),
    writing: origins([...uploadContext.edges.map(({ baseUrl }) => baseUrl), ...(stored ? [stored.url] : [])]),
  }
}

function origins(urls: string[]): string[] {
  return [...new Set(urls.map((url) => new URL(url).origin))]
}
