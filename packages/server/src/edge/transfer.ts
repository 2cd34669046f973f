/** One transfer as the history and the metrics see it: what, how much, how long, how it ended. */
import type { FastifyRequest } from 'fastify'
import { errorClass, type HistoryEvent } from '../history/index.ts'
import { toProblem } from './store-problem.ts'

/** Counts bytes of files as they pass, for the metrics. */
export interface Meter {
  bytesIn(count: number): void
  bytesOut(count: number): void
}

/** Says which object an event is about; the edge knows no ids, only keys. `objectKey` is null when the URL was no good. */
export type TransferEvent = HistoryEvent & { objectKey: string | null }

/** Called once for every transfer, whether it succeeded or failed. Must not throw; what it starts, it looks after. */
export type RecordTransfer = (request: FastifyRequest, event: TransferEvent) => void

export interface Transfer {
  verified(grant: { key: string; type: string }): void
  moved(bytes: number): void
  succeeded(): void
  /** Returns what to throw: a problem where the error has a meaning for the client. */
  failed(error: unknown): unknown
}

export function createTransfer(
  action: 'upload.part' | 'asset.download',
  request: FastifyRequest,
  record: RecordTransfer,
): Transfer {
  const startedAt = performance.now()
  let verifiedAt: number | null = null
  let grant: { key: string; type: string } | null = null
  let size = 0
  let isOver = false

  const end = (errorClass?: string) => {
    if (isOver) return
    isOver = true
    const now = performance.now()
    record(request, {
      action,
      objectKey: grant?.key ?? null,
      contentType: grant?.type ?? null,
      size,
      phases: { verify: (verifiedAt ?? now) - startedAt, transfer: now - (verifiedAt ?? now) },
      ...(errorClass === undefined ? {} : { errorClass }),
    })
  }

  return {
    verified(found) {
      grant = found
      verifiedAt = performance.now()
    },
    moved(bytes) {
      size += bytes
    },
    succeeded: () => end(),
    failed(error) {
      const problem = toProblem(error)
      end(errorClass(problem))
      return problem
    },
  }
}
