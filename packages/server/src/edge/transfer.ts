/** One transfer as the history and the metrics see it: what, how much, how long, how it ended. */
import { SignatureError } from '@heliograph/signing'
import type { FastifyRequest } from 'fastify'
import { errorClass, type HistoryEvent } from '../history/index.ts'
import { toProblem } from '../http/errors.ts'
import { type Problem, problems } from '../problem.ts'

/** Counts bytes of files as they pass, for the metrics. */
export interface Meter {
  bytesIn(count: number): void
  bytesOut(count: number): void
  /** An answer that no framework saw. */
  observeRequest(labels: { method: string; route: string; status: number }, seconds: number): void
}

/** Says which object an event is about; the edge knows no ids, only keys. `objectKey` is null when the URL was no good. */
export type TransferEvent = HistoryEvent & { objectKey: string | null }

/** Called once for every transfer, whether it succeeded or failed. Must not throw; what it starts, it looks after. */
export type RecordTransfer = (request: FastifyRequest, event: TransferEvent) => void

export interface Transfer {
  verified(grant: { key: string; type: string }): void
  /** @param size bytes that passed. */
  succeeded(size: number): void
  /**
   * Returns the problem to answer with.
   * @param size bytes that passed in vain.
   */
  failed(error: unknown, size: number): Problem
  /** The connection broke, so that nobody is left to answer. */
  broken(error: Error, size: number): void
}

export function createTransfer(
  action: 'upload.part' | 'asset.download',
  request: FastifyRequest,
  record: RecordTransfer,
): Transfer {
  const startedAt = performance.now()
  let verifiedAt: number | null = null
  let grant: { key: string; type: string } | null = null
  let isOver = false

  const end = (size: number, errorClass?: string) => {
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
    succeeded: (size) => end(size),
    failed(error, size) {
      const problem = error instanceof SignatureError ? signatureProblem(error) : toProblem(error)
      end(size, problem.code)
      return problem
    },
    broken: (error, size) => end(size, errorClass(error)),
  }
}

function signatureProblem({ reason }: SignatureError): Problem {
  if (reason === 'expired') return problems.linkExpired('The URL was valid and its time is over. Ask for a new one.')
  if (reason === 'elsewhere') {
    return problems.invalidSignature('The URL was signed for another network or country. Ask for a new one from here.')
  }
  return problems.invalidSignature('The URL is not one that this server signed.')
}
