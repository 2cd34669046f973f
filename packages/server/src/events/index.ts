export { type AccountEvent, publishEvents, publishing } from './publish.ts'
export { eventRoutes } from './routes.ts'
export { createEventStreams, type EventStreamLimits, type EventStreams } from './streams.ts'
export { eventTasks } from './tasks.ts'
