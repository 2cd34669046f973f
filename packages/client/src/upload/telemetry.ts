/**
 * Tells the server how each attempt to put a part went. Best effort: an upload must never fail, wait or be slowed because
 * its report could not be delivered, so failures end here and reports that cannot be sent are dropped.
 */
import type { PartAttempt } from '../api.ts'
import type { UploadClient } from './upload-client.ts'

export interface Telemetry {
  record(attempt: PartAttempt): void
  /** Sends what is left. Never rejects. */
  flush(): Promise<void>
}

const batchSize = 100

export function createTelemetry(client: UploadClient, uploadId: string): Telemetry {
  let batch: PartAttempt[] = []
  let sending: Promise<void> = Promise.resolve()

  async function send(attempts: PartAttempt[]): Promise<void> {
    try {
      await client.uploads.telemetry(uploadId, attempts, { signal: AbortSignal.timeout(10_000) })
    } catch {
      // Lost on purpose: see above.
    }
  }

  function flush(): Promise<void> {
    const attempts = batch
    batch = []
    if (attempts.length > 0) sending = sending.then(() => send(attempts))
    return sending
  }

  return {
    record(attempt) {
      batch.push(attempt)
      if (batch.length >= batchSize) void flush()
    },
    flush,
  }
}
