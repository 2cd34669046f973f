/** What the doctor found, in sentences: what is wrong, which, and what to do. */
import type { Examination, FindingGroup, FindingKind } from '../doctor/index.ts'
import type { S3Store } from '../engines/object-store/index.ts'
import { count, formatBytes, safeText } from './progress-text.ts'

interface Wording {
  found(number: number): string
  /** What to do about those that are not repaired. */
  advice: string
  repaired: string
}

const shownExamples = 10
const repairAdvice = '`heliograph doctor --repair`'

const wordings: Record<FindingKind, Wording> = {
  'asset-missing': {
    found: (n) => `${count(n, 'file')} of the library ${n === 1 ? 'is' : 'are'} missing from the store.`,
    advice: `Bring them back from a backup, or upload them again. ${repairAdvice} marks them as failed, so that they can be seen.`,
    repaired: 'Marked as failed. Uploading the same file again, or bringing it back from a backup, makes it whole.',
  },
  'asset-damaged': {
    found: (n) => `${count(n, 'file')} of the library ${n === 1 ? 'is' : 'are'} not what was uploaded.`,
    advice: `Bring them back from a backup, or upload them again, and have the disk checked. ${repairAdvice} marks them as failed.`,
    repaired:
      'Marked as failed; their bytes are kept. Uploading the same file again, or bringing it back from a backup, makes it whole. Have the disk checked.',
  },
  'asset-unreadable': {
    found: (n) => `${count(n, 'file')} of the library could not be read.`,
    advice: 'Have the disk or the object store checked, then run the doctor again.',
    repaired: '',
  },
  'asset-recovered': {
    found: (n) => `${count(n, 'file')} marked as lost ${n === 1 ? 'is' : 'are'} there again.`,
    advice: `${repairAdvice} takes the mark away.`,
    repaired: 'The mark is taken away.',
  },
  'rendition-missing': {
    found: (n) =>
      `${count(n, 'thumbnail or other copy', 'thumbnails or other copies')} made of the library's files ${n === 1 ? 'is' : 'are'} missing from the store.`,
    advice: `${repairAdvice} has them made again from the originals.`,
    repaired: 'They are made again; a running server does it now.',
  },
  'object-unknown': {
    found: (n) => `${count(n, 'object')} in the store ${n === 1 ? 'belongs' : 'belong'} to nothing.`,
    advice: `${repairAdvice} removes them. If the database was restored from a backup, they may be files that were uploaded after it: copy them elsewhere first.`,
    repaired: 'Given up; the server removes them.',
  },
  'multipart-unknown': {
    found: (n) => `${count(n, 'unfinished upload')} in the store ${n === 1 ? 'belongs' : 'belong'} to nothing.`,
    advice: `A running server removes them every hour; ${repairAdvice} does it now.`,
    repaired: 'Removed.',
  },
  'quota-wrong': {
    found: (n) => `The storage numbers of ${count(n, 'account')} are wrong.`,
    advice: `${repairAdvice} counts them anew.`,
    repaired: 'Counted anew.',
  },
  'timeline-wrong': {
    found: (n) => `The timeline counts ${count(n, 'month')} wrong.`,
    advice: `${repairAdvice} counts them anew.`,
    repaired: 'Counted anew.',
  },
  'job-exhausted': {
    found: (n) => `${count(n, 'job')} failed too often and will not be tried again.`,
    advice: `Mend what the message names, then ${repairAdvice} gives them new attempts.`,
    repaired: 'Given new attempts.',
  },
}

/** @param notes on this machine, as sentences. */
export function reportExamination(examination: Examination, notes: string[]): string {
  const { findings, compared, lost, refused } = examination
  const read = compared.bytesRead > 0 ? ` ${formatBytes(compared.bytesRead)} were read again.` : ''
  const lines = [
    `Compared ${count(compared.assets, 'asset')} with ${count(compared.objects, 'object')} in the store.${read}`,
    ...findings.flatMap(reportGroup),
    ...refused.map(reportRefusal),
    ...(lost > 0
      ? ['', `${count(lost, 'file')} marked as lost earlier ${lost === 1 ? 'waits' : 'wait'} to be uploaded again.`]
      : []),
    ...reportPending(examination.pending),
    ...(notes.length === 0 ? [] : ['', 'On this machine:', ...notes.map((note) => `  - ${note}`)]),
    '',
    conclusion(examination),
  ]
  return `${lines.join('\n')}\n`
}

function conclusion({ ok, findings }: Examination): string {
  if (findings.length === 0) return 'Nothing is wrong.'
  return ok ? 'Everything that was wrong is repaired.' : 'Something is wrong: see above.'
}

function reportGroup({ kind, count: found, repaired, examples }: FindingGroup): string[] {
  const wording = wordings[kind]
  const shown = examples.slice(0, shownExamples)
  return [
    '',
    wording.found(found),
    ...shown.map(({ detail }) => `  - ${safeText(detail)}`),
    ...(found > shown.length ? [`  … and ${(found - shown.length).toLocaleString('en')} more`] : []),
    ...(repaired > 0 ? [`  ${wording.repaired}`] : []),
    ...(repaired < found ? [`  ${wording.advice}`] : []),
  ]
}

function reportRefusal(what: 'objects' | 'assets'): string {
  const fact =
    what === 'objects'
      ? 'The database knows hardly any of the objects in this store'
      : 'This store has hardly any of the files in the database'
  return `\n${fact}, as if the two did not belong together, so nothing of that was repaired. Check DATABASE_URL, OBJECT_STORE_URL and DATA_DIR, and whether one of them was restored from an older backup. If all is as you want it: heliograph doctor --repair --force`
}

function reportPending(pending: Examination['pending']): string[] {
  const lines = [
    [pending.uploads, `${count(pending.uploads, 'upload')} going on${expired(pending.uploadsExpired)}`],
    [
      pending.multiparts,
      `${count(pending.multiparts, 'unfinished upload')} without a plan, cleared within an hour or two`,
    ],
    [pending.deletions, `${count(pending.deletions, 'deletion')} waiting${watched(pending.deletionsWatched)}`],
    [
      pending.processing,
      `${count(pending.processing, 'asset')} waiting to be processed${long(pending.processingLong)}`,
    ],
    [pending.jobs, `${count(pending.jobs, 'job')} due or running`],
  ] as const
  const due = lines.filter(([number]) => number > 0).map(([, line]) => `  - ${line}`)
  return due.length === 0 ? [] : ['', 'Under way, and nothing wrong:', ...due]
}

const expired = (number: number) =>
  number === 0 ? '' : `, ${number} of them past their time: the server looks at them every hour`
const watched = (number: number) =>
  number === 0 ? '' : `, ${number} of them until the last link that could bring bytes back has died`
const long = (number: number) => (number === 0 ? '' : `, ${number} of them for more than an hour: does a worker run?`)

/** `null` for a store that browsers never reach by themselves. */
export function reportCors(report: Awaited<ReturnType<S3Store['checkCors']>> | null): string {
  if (report === null)
    return 'Files are kept in a folder, which browsers reach through this server: no CORS rules are needed.\n'
  if (report.ok) return 'The CORS rules of the bucket allow everything that is needed.\n'
  return [
    'The CORS rules of the bucket do not allow what browsers need:',
    ...report.missing.map((sentence) => `  - ${sentence}`),
    '',
    'Set these, for example with `aws s3api put-bucket-cors --bucket <name> --cors-configuration file://rules.json`:',
    '',
    JSON.stringify({ CORSRules: report.wanted }, null, 2),
    '',
  ].join('\n')
}
