/** Whether this process keeps files of its store on its disk, and where. */
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import type { ObjectStore } from '../engines/object-store/index.ts'

/** Files on this machine need none. */
export function hasEdgeCache(config: Config, store: Pick<ObjectStore, 'localPath'>): boolean {
  return config.edgeCacheSize > 0 && store.localPath('any') === null
}

export function cacheFolder(config: Config): string {
  return config.edgeCacheDir ?? join(config.dataDir, 'cache')
}
