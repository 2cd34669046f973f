/** What went wrong and what to do, for the person in front of the screen, in their language. */
import { ApiProblem, ConnectionFailed, describeFailure } from '@heliograph/client'
import { i18n } from '../i18n/i18n.svelte.ts'

/** One or two sentences. */
export function explain(error: unknown): string {
  const { problems } = i18n.m
  if (error instanceof ConnectionFailed) return problems.connection[error.kind]
  if (error instanceof ApiProblem) {
    const known = problems.byCode[error.code]
    if (known !== undefined) return known
  }
  const { message, advice } = describeFailure(error)
  return `${message} ${advice}`
}
