export {
  type Attempt,
  errorClass,
  type HistoryAction,
  type HistoryEvent,
  history,
  jobAttempt,
  truncateAddress,
} from './history.ts'
