/** A reporter of node:test that writes, at the end, how many test cases passed, failed and were skipped, as JSON. */

import { resolve } from 'node:path'

export default async function* count(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  let emptyFiles = 0
  let skippedSuites = 0
  for await (const { type, data } of events) {
    // A file in which no test is declared passes as if it were one.
    if (type === 'test:pass' && data.file !== undefined && resolve(data.name) === data.file) emptyFiles++
    // The tests in a skipped suite are not even counted.
    if (type === 'test:pass' && data.details.type === 'suite' && data.skip !== undefined) skippedSuites++
    // The summary of the whole run names no file.
    if (type === 'test:summary' && data.file === undefined) {
      counts.passed = data.counts.passed - emptyFiles
      counts.failed = data.counts.failed + data.counts.cancelled
      counts.skipped = data.counts.skipped + data.counts.todo + skippedSuites
    }
  }
  yield JSON.stringify(counts)
}
