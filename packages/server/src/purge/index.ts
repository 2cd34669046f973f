export { type GivenUpObject, giveUpObjects, type PurgeDeps, purgeTasks } from './purge.ts'
