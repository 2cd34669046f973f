export {
  foreseeDeletion,
  type GivenUpObject,
  giveUpObjects,
  keepForeseen,
  type PurgeDeps,
  purgeTasks,
} from './purge.ts'
