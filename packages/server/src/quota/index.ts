export { quota, type StorageUse } from './quota.ts'
