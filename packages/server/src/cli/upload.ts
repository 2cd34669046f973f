/** `heliograph upload`: puts photos and videos of folders into the library. */
import { createFileResumeStore } from '@heliograph/client/node'
import { type Command, type CommandContext, CommandError, numberOption, UsageError } from './command.ts'
import { configPath } from './credentials.ts'
import { connect, connectionOptions } from './login-connect.ts'
import { showProgress } from './progress.ts'
import { count, formatBytes, safeText } from './progress-text.ts'
import { startUpload } from './upload-run.ts'
import { type Scan, scanFiles } from './upload-scan.ts'
import { exitCodeOf, jsonSummary, textSummary, type UploadReport } from './upload-summary.ts'

export const uploadCommand: Command = {
  name: 'upload',
  summary: 'Put the photos and videos of folders into your library; what is there already is not sent again',
  usage: 'upload [options] <folder or file>…',
  options: {
    ...connectionOptions,
    concurrency: { type: 'string', short: 'c', meaning: 'Files at once; 4 when absent', placeholder: 'number' },
    all: { type: 'boolean', short: 'a', meaning: 'Also try files that do not look like photos or videos' },
    'dry-run': { type: 'boolean', short: 'n', meaning: 'Only say what would be uploaded' },
    json: { type: 'boolean', meaning: 'Print the summary as JSON' },
  },
  run: upload,
}

async function upload(context: CommandContext): Promise<number> {
  const { args, cwd, values, signal, stdout, stderr, env } = context
  if (args.length === 0) throw new UsageError('Name a folder or files to upload.')
  const concurrency = numberOption(context, 'concurrency', 4, 64)
  const client = values['dry-run'] === true ? null : await connect(context)

  const scan = await scanFiles(args, { cwd, all: values.all === true, signal }).catch((error: unknown) => {
    if (signal.aborted) throw new CommandError('Interrupted before anything was uploaded.', 130)
    throw error
  })
  if (client === null) return sayDryRun(context, scan)

  const started = performance.now()
  const resumeStore = createFileResumeStore(configPath(env, 'uploads.json'), (error) => {
    stderr.write(`Unfinished uploads cannot be remembered: ${String(error)}\n`)
  })
  const run = startUpload({ client, files: scan.files, concurrency, resumeStore, signal })
  const display = showProgress({ output: stderr, env, read: run.progress })
  const tally = await run.done.finally(display.end)

  const report: UploadReport = { server: client.baseUrl, scan, tally, seconds: (performance.now() - started) / 1000 }
  stdout.write(values.json === true ? jsonSummary(report) : textSummary(report))
  return exitCodeOf(report)
}

function sayDryRun({ stdout, values }: CommandContext, { files, others, unreadable }: Scan): number {
  const bytes = files.reduce((sum, file) => sum + file.size, 0)
  if (values.json === true) {
    stdout.write(`${JSON.stringify({ files, bytes, skipped: others, unreadable }, null, 2)}\n`)
  } else {
    for (const { label, size } of files) stdout.write(`${formatBytes(size).padStart(8)}  ${safeText(label)}\n`)
    for (const { label, reason } of unreadable) stdout.write(`${safeText(label)} ${reason}\n`)
    const skipped = others.length === 0 ? '' : `; ${count(others.length, 'file')}, not photos or videos, would not`
    stdout.write(`${count(files.length, 'file')}, ${formatBytes(bytes)} would be uploaded${skipped}.\n`)
  }
  return unreadable.length > 0 ? 1 : 0
}
