export { createEdgeCache, type EdgeCache, purgeOnDelete } from './cache/index.ts'
export { type EdgeOptions, edgeRoutes } from './routes.ts'
export { storeSource } from './source.ts'
export type { Meter, RecordTransfer, TransferEvent } from './transfer.ts'
