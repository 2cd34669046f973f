export { type EdgeOptions, edgeRoutes } from './routes.ts'
export type { Meter, RecordTransfer, TransferEvent } from './transfer.ts'
