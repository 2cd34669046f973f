export {
  type Attempt,
  errorClass,
  type HistoryAction,
  type HistoryEvent,
  history,
  jobAttempt,
  truncateAddress,
} from './history.ts'
export { createHistoryWriter, type HistoryWriter } from './writer.ts'
