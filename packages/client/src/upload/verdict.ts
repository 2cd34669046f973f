/** What the answer to the PUT of a part means for the part. Answers come from our edge, from S3 and its kin, and proxies. */
import { type ApiProblem, parseProblem } from '../problem.ts'
import type { PutAnswer } from './transport.ts'

export type Verdict =
  /** The store holds the part, or something at its place that completion will check. */
  | { kind: 'stored' }
  /** The URL expired or is not accepted any more; a fresh one may be. */
  | { kind: 'expired'; problem: ApiProblem }
  /** May work when repeated. `overloaded`: with less at once. */
  | { kind: 'retry'; problem: ApiProblem; overloaded: boolean }
  /** The upload is over: completed, aborted or expired. */
  | { kind: 'gone'; problem: ApiProblem }
  /** This endpoint will never take it. */
  | { kind: 'refused'; problem: ApiProblem }

const overload = new Set([408, 429, 503, 504])
const brokenServer = new Set([425, 500, 502])
/** S3 error codes that come as 400 although repeating helps. */
const passingS3Errors =
  /<Code>(BadDigest|RequestTimeout|IncompleteBody|XAmzContentSHA256Mismatch|XAmzContentChecksumMismatch)</

export function judge(answer: PutAnswer): Verdict {
  const { status } = answer
  if (status >= 200 && status <= 204) return { kind: 'stored' }
  // The URL had been used: an earlier answer was lost on the way.
  if (status === 412) return { kind: 'stored' }

  const problem = parseProblem(status, answer.header, answer.text)
  if (status === 403 || status === 410) return { kind: 'expired', problem }
  if (status === 404 || problem.code === 'upload-closed') return { kind: 'gone', problem }
  if (overload.has(status)) return { kind: 'retry', problem, overloaded: true }
  // 409: another put of the same part is still on its way. 422: bytes were damaged on the way.
  if (brokenServer.has(status) || status === 409 || status === 422) return { kind: 'retry', problem, overloaded: false }
  if (status === 400 && passingS3Errors.test(answer.text)) return { kind: 'retry', problem, overloaded: false }
  return { kind: 'refused', problem }
}
