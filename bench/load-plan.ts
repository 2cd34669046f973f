/**
 * What the orchestrator asks of the load generator and what it gets back, as JSON over the command line and standard
 * output. The two are separate processes, so that the client's work is never counted as the server's.
 */

/** How a file travels. `direct` and `stream` are ours: plan + PUT + complete, and `POST /v1/assets`. */
export type Protocol = 'put' | 'multipart-form' | 'tus' | 'direct' | 'stream'

export type LoadPlan =
  | {
      kind: 'files'
      protocol: Protocol
      url: string
      token: string | null
      /** Number of files. */
      count: number
      /** Bytes of one file. */
      size: number
      /** Files in flight at once; each has a connection of its own, kept for the calls of that file. */
      concurrency: number
      sample: 'jpeg' | 'mp4'
    }
  | {
      /** `POST /v1/uploads` alone, or `complete` alone after untimed plans and PUTs of small files. */
      kind: 'plans' | 'completions'
      url: string
      token: string
      count: number
      size: number
      concurrency: number
    }

export interface LoadResult {
  ok: number
  failed: number
  /** Number of failures by reason, such as `complete: 503 /problems/unavailable`. */
  failures: Record<string, number>
  /** From the first request to the last answer. */
  seconds: number
  /** Milliseconds of one file or call that succeeded. */
  p50: number
  p99: number
}

/** Printed by the generator on a line of its own when only the timed part is left; answered by a line on standard input. */
export const readyLine = 'ready'
