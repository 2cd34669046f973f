export { type AccountEvent, publishEvents, publishing } from './publish.ts'
