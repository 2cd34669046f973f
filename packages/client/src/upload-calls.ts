/** The calls of one upload's life: those of an account, and those of a guest by a link, which differ in where they are. */
import type { Asset, PartAttempt, PlannedPart, PlanRequest, PlanResult, UploadStatus } from './api.ts'
import type { RequestOptions } from './client.ts'

export type Call = <T>(method: string, path: string, options?: RequestOptions) => Promise<T>

export interface Cancellation {
  signal?: AbortSignal
}

export function cancellation(options: Cancellation): Cancellation {
  return options.signal === undefined ? {} : { signal: options.signal }
}

/** @param root such as `/v1/uploads` */
export function uploadCalls(call: Call, root: string) {
  const pathOf = (id: string) => `${root}/${encodeURIComponent(id)}`
  return {
    /** `idempotencyKey` makes a repeat after a lost answer find the first plan. */
    plan: (body: PlanRequest, options: Cancellation & { idempotencyKey?: string } = {}) =>
      call<PlanResult>('POST', root, {
        body,
        ...cancellation(options),
        headers: options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey },
      }),
    get: (id: string, options: Cancellation = {}) => call<UploadStatus>('GET', pathOf(id), options),
    /** Fresh URLs for the parts `from` to `to`, at most 1,000 of them. */
    parts: async (id: string, from: number, to: number, options: Cancellation = {}): Promise<PlannedPart[]> => {
      const answer = await call<{ parts: PlannedPart[] }>('GET', `${pathOf(id)}/parts`, {
        query: { numbers: from === to ? `${from}` : `${from}-${to}` },
        ...cancellation(options),
      })
      return answer.parts
    },
    /** Idempotent. May take long where the server has to read the bytes back. */
    complete: async (id: string, options: Cancellation = {}): Promise<Asset> => {
      const answer = await call<{ asset: Asset }>('POST', `${pathOf(id)}/complete`, {
        body: {},
        timeout: 600,
        ...cancellation(options),
      })
      return answer.asset
    },
    abort: (id: string, options: Cancellation = {}) => call<null>('DELETE', pathOf(id), options),
    telemetry: (id: string, attempts: PartAttempt[], options: Cancellation = {}) =>
      call<null>('POST', `${pathOf(id)}/telemetry`, { body: { attempts }, ...options }),
  }
}
