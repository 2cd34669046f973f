/** What went wrong and what to do about it, in sentences for the person in front of the screen. */
import { ApiProblem, ConnectionFailed } from './problem.ts'
import { SourceChanged } from './upload/source.ts'
import { UploadGone } from './upload/upload-gone.ts'

export interface FailureDescription {
  /** What happened; one sentence. */
  message: string
  /** What the person can do; one sentence. */
  advice: string
}

/** By problem code; `detail` of the problem is the message unless one is given here. */
const adviceByCode: Record<string, string> = {
  'quota-exceeded': 'Delete what you no longer need, empty the trash, or ask the administrator for more storage.',
  'file-too-large': 'Upload a smaller version, or ask the administrator to raise the limit.',
  'unsupported-type': 'Convert it to a common format such as JPEG or MP4 first.',
  'empty-file': 'Check whether the original still exists elsewhere; this copy has no content.',
  'content-mismatch': 'Open the file on your device to see what it really is, and correct its name.',
  'checksum-mismatch': 'Try again; when it keeps happening, something between you and the server damages data.',
  'size-mismatch': 'Wait until no program writes to the file, and try again.',
  'storage-full': 'The administrator has to make room on the server; then try again.',
  'insufficient-scope': 'Use a token that may write uploads.',
  'account-suspended': 'Ask the administrator about your account.',
  'registration-closed': 'Ask the administrator for an account.',
  'already-exists': 'Choose another one.',
  'invalid-credentials': 'Check the e-mail address and the password.',
  unauthenticated: 'Sign in again.',
}

const adviceByStatus: Record<number, string> = {
  401: 'Sign in again.',
  403: 'Ask the administrator for permission.',
  429: 'Wait a moment and try again.',
  503: 'Wait a moment and try again; what is uploaded already is kept.',
}

const tryAgain = 'Try again; what is uploaded already is kept.'

export function describeFailure(error: unknown): FailureDescription {
  if (error instanceof ApiProblem) {
    return {
      message: error.detail === '' ? describeStatus(error) : error.detail,
      advice: adviceByCode[error.code] ?? adviceByStatus[error.status] ?? tryAgain,
    }
  }
  if (error instanceof ConnectionFailed) return describeConnection(error)
  if (error instanceof SourceChanged) {
    return { message: `${error.message}.`, advice: 'Wait until no program writes to the file, and try again.' }
  }
  if (error instanceof UploadGone) return { message: 'The server lost track of this upload.', advice: 'Try again.' }
  if (error instanceof Error && error.name === 'NotReadableError') {
    return { message: 'The file cannot be read.', advice: 'Check that it still exists and that you may read it.' }
  }
  return { message: error instanceof Error ? error.message : String(error), advice: tryAgain }
}

function describeStatus(problem: ApiProblem): string {
  if (problem.status >= 500) return `The server has a problem right now (${problem.status}).`
  return `${problem.title}${problem.title.endsWith('.') ? '' : '.'}`
}

function describeConnection(error: ConnectionFailed): FailureDescription {
  const advice = 'Check your network connection and try again; what is uploaded already is kept.'
  if (error.kind === 'stalled') return { message: 'The connection came to a standstill.', advice }
  if (error.kind === 'timeout') return { message: 'The server did not answer in time.', advice }
  return { message: 'The server cannot be reached.', advice }
}
