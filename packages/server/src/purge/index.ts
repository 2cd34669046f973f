export { foreseeDeletion, type GivenUpObject, giveUpObjects, type PurgeDeps, purgeTasks } from './purge.ts'
