/** `heliograph doctor`: compares files and database, says what is wrong and what to do, and mends it when asked. */
import { type Engines, openEngines, originsOf } from '../composition.ts'
import { type Config, loadConfig } from '../config/index.ts'
import { examine, type Stage } from '../doctor/index.ts'
import { createSandbox } from '../engines/sandbox/sandbox.ts'
import { describeFfmpeg, findFfmpeg } from '../renditions/index.ts'
import { type Command, type CommandContext, CommandError, type Output } from './command.ts'
import { reportCors, reportExamination } from './doctor-report.ts'
import { requireInstallation, requireSchema } from './installation.ts'
import { createLogger } from './logger.ts'

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Compare files and database, say what is wrong and mend it; also while the server runs',
  usage: 'doctor [--repair [--force]] [--checksum] [--json] | doctor --cors',
  options: {
    repair: { type: 'boolean', meaning: 'Mend what is found; no file is deleted that something refers to' },
    force: { type: 'boolean', meaning: 'With --repair: also where most of the files and the database differ' },
    checksum: { type: 'boolean', meaning: 'Read every file again and compare its SHA-256' },
    cors: { type: 'boolean', meaning: 'Only check what browsers may do at the S3 bucket, and print the rules to set' },
    json: { type: 'boolean', meaning: 'For programs' },
  },
  run: doctor,
}

/** Milliseconds between two lines of progress on a terminal. */
const progressInterval = 100

async function doctor(context: CommandContext): Promise<number> {
  const { values, env, stdout, stderr, signal } = context
  const config = loadConfig(env)
  requireInstallation(config, 'doctor')
  const engines = await openEngines(config, createLogger(config), { migrate: false })
  try {
    if (values.cors === true) return await doctorCors(context, config, engines)
    await requireSchema(engines)
    const progress = showStage(stderr)
    const examination = await examine(engines, {
      repair: values.repair === true,
      checksum: values.checksum === true,
      force: values.force === true,
      signal,
      onProgress: progress.show,
    }).finally(progress.end)
    const notes = await notesOnThisMachine(config)
    stdout.write(
      values.json === true
        ? `${JSON.stringify({ ...examination, notes }, null, 2)}\n`
        : reportExamination(examination, notes),
    )
    return examination.ok ? 0 : 1
  } catch (error) {
    if (signal.aborted) throw new CommandError('Interrupted. What was repaired so far stays repaired.', 130)
    throw error
  } finally {
    await engines.close()
  }
}

async function doctorCors({ values, stdout }: CommandContext, config: Config, { store }: Engines): Promise<number> {
  const origins = originsOf({ ...config, publicUrl: config.publicUrl ?? `http://${config.host}:${config.port}` })
  const report = 'checkCors' in store ? await store.checkCors(origins) : null
  stdout.write(values.json === true ? `${JSON.stringify(report, null, 2)}\n` : reportCors(report))
  return report === null || report.ok ? 0 : 1
}

/** What a worker on this machine would have to do without. Nothing of it is wrong with the library. */
async function notesOnThisMachine(config: Config): Promise<string[]> {
  const [{ strength }, ffmpeg] = await Promise.all([createSandbox(), findFfmpeg(config.searchPath)])
  return [
    ...(ffmpeg === null || ffmpeg.lacks.length > 0 ? [describeFfmpeg(ffmpeg)] : []),
    ...(strength.missing === null ? [] : [`Decoders are not fully isolated here. ${strength.missing}`]),
  ]
}

/** One line that is written over, on a terminal; nothing elsewhere. */
function showStage(output: Output): { show: (stage: Stage) => void; end: () => void } {
  let shownAt = 0
  const isTerminal = output.isTTY === true
  return {
    show(stage) {
      if (!isTerminal || performance.now() - shownAt < progressInterval) return
      shownAt = performance.now()
      output.write(`\r\x1b[K${sayStage(stage)}`)
    },
    end() {
      if (isTerminal && shownAt > 0) output.write('\r\x1b[K')
    },
  }
}

function sayStage({ name, done, total }: Stage): string {
  const of = total === null ? '' : ` of ${total.toLocaleString('en')}`
  if (name === 'list') return `Listing the store: ${done.toLocaleString('en')} objects …`
  if (name === 'compare') return `Comparing${of} assets …`
  return `Reading files: ${done.toLocaleString('en')}${of} …`
}
