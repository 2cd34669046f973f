/** All routes of albums. */
import type { FastifyPluginAsync } from 'fastify'
import type { People } from '../../accounts/index.ts'
import { ownAlbumRoutes } from './albums.ts'
import { albumContentRoutes } from './content.ts'
import type { AlbumRouteDeps } from './deps.ts'
import { memberRoutes } from './members.ts'

export function albumRoutes(deps: AlbumRouteDeps & { people: People }): FastifyPluginAsync {
  return async (app) => {
    await app.register(ownAlbumRoutes(deps))
    await app.register(albumContentRoutes(deps))
    await app.register(memberRoutes(deps))
  }
}
