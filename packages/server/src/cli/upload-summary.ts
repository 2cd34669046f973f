/** What an upload came to, for people and for programs. */
import { unreachable } from './login-connect.ts'
import { count, formatBytes, formatDuration, safeText } from './progress-text.ts'
import type { Tally } from './upload-run.ts'
import type { Scan } from './upload-scan.ts'

export interface UploadReport {
  server: string
  scan: Scan
  tally: Tally
  /** Of the whole upload. */
  seconds: number
}

/** Files named for each reason; the rest is counted. `--json` names all. */
const namesShown = 10

export function exitCodeOf({ scan, tally }: UploadReport): number {
  if (tally.stopped === 'interrupted') return 130
  return tally.stopped !== null || tally.failed.length > 0 || scan.unreadable.length > 0 ? 1 : 0
}

export function jsonSummary({ server, scan, tally, seconds }: UploadReport): string {
  const { uploaded, alreadyThere, restored, failed, bytes, bytesSent, stopped } = tally
  const document = {
    server,
    found: scan.files.length,
    uploaded,
    alreadyThere,
    restored,
    skipped: scan.others,
    failed: [...failed, ...unreadableAsFailed(scan)],
    bytes,
    bytesSent,
    seconds: Math.round(seconds * 1000) / 1000,
    bytesPerSecond: Math.round(bytesSent / Math.max(seconds, 0.001)),
    stopped,
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

export function textSummary(report: UploadReport): string {
  const { scan, tally, seconds } = report
  const failed = [...tally.failed, ...unreadableAsFailed(scan)]
  const lines = []
  if (tally.uploaded > 0) {
    const speed = `${formatBytes(tally.bytesSent / Math.max(seconds, 0.001))}/s`
    const time = `${formatBytes(tally.bytes)} in ${formatDuration(seconds)}, ${speed}`
    lines.push(`Uploaded       ${count(tally.uploaded, 'file')} (${time})`)
  }
  if (tally.alreadyThere > 0) lines.push(`Already there  ${count(tally.alreadyThere, 'file')}`)
  if (tally.restored > 0) lines.push(`Restored       ${count(tally.restored, 'file')} from the trash`)
  if (scan.others.length > 0) {
    lines.push(`Skipped        ${count(scan.others.length, 'file')}, not photos or videos (--all tries them)`)
  }
  if (failed.length > 0) lines.push(`Failed         ${count(failed.length, 'file')}`, ...failureLines(failed))
  if (lines.length === 0 && scan.files.length === 0)
    lines.push('There is nothing to upload: no photos or videos were found.')
  if (tally.stopped !== null) lines.push(stopLine(report))
  return `${lines.join('\n')}\n`
}

function unreadableAsFailed(scan: Scan): Tally['failed'] {
  return scan.unreadable.map(({ label, reason }) => ({
    file: label,
    message: `It ${reason}.`,
    advice: 'Check the name and its permissions.',
  }))
}

/** One reason, then the files it holds for. */
function failureLines(failed: Tally['failed']): string[] {
  const reasons = Map.groupBy(failed, ({ message, advice }) => `${message} ${advice}`)
  return [...reasons].flatMap(([reason, files]) => {
    const names = files.slice(0, namesShown).map(({ file }) => `    ${safeText(file)}`)
    const more = files.length > namesShown ? [`    and ${files.length - namesShown} more`] : []
    return [`  ${reason}`, ...names, ...more]
  })
}

function stopLine({ server, scan, tally }: UploadReport): string {
  const done = tally.uploaded + tally.alreadyThere + tally.restored + tally.failed.length
  const left = count(scan.files.length - done, 'file')
  const again = 'Run the same command again to go on; what is uploaded is not sent twice.'
  if (tally.stopped === 'interrupted') return `Interrupted, ${left} left. ${again}`
  if (tally.stopped === 'signed-out') {
    return `Stopped, ${left} left: the server no longer accepts the token. Sign in with \`heliograph login\`. ${again}`
  }
  return `Stopped, ${left} left. ${unreachable(server)} ${again}`
}
