/** Why somebody could not get in, in a sentence; how long to wait is part of it. */
import { ApiProblem } from '@heliograph/client'
import { i18n } from '../i18n/i18n.svelte.ts'
import { explain } from '../ui/explain.ts'

export function explainEntry(error: unknown): string {
  if (error instanceof ApiProblem && error.code === 'too-many-requests' && error.retryAfter !== null) {
    return i18n.m.account.tooManyTries(Math.ceil(error.retryAfter))
  }
  return explain(error)
}
