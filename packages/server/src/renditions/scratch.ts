/** Folders for the files of running jobs. They are removed when the job ends, and those of killed processes at the start. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Gives `work` an empty folder of its own. */
export async function withScratch<T>(scratch: string, work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(scratch, { recursive: true })
  const folder = await mkdtemp(join(scratch, `${process.pid}-`))
  try {
    return await work(folder)
  } finally {
    await remove(folder)
  }
}

/**
 * Removes what processes left that do not run any more. To be called before the first job of this process. Others on this
 * machine may share the folder.
 */
export async function sweepScratch(
  scratch: string,
  log?: { warn(fields: object, message: string): void },
): Promise<void> {
  const names = await readdir(scratch).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  for (const name of names) {
    const folder = join(scratch, name)
    try {
      if (await isLeftOver(name, folder)) await remove(folder)
    } catch (error) {
      // Nobody should have to repair a folder by hand before the server starts again.
      log?.warn({ err: error, folder }, 'what a killed process left could not be removed')
    }
  }
}

/** In a container every start has the same process id: what is older than this process is not its own. */
async function isLeftOver(name: string, folder: string): Promise<boolean> {
  const pid = Number(name.split('-', 1)[0])
  if (!Number.isInteger(pid) || pid <= 0) return false
  if (pid !== process.pid) return !isRunning(pid)
  return (await stat(folder)).mtimeMs < Date.now() - process.uptime() * 1000
}

/**
 * Also folders that hostile programs made so deep that no path is long enough to name what is in them, or closed to their
 * owner: `rm` walks, where Node asks by name.
 */
async function remove(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true })
  } catch {
    await promisify(execFile)('/bin/sh', [
      '-c',
      'chmod -R u+rwx -- "$1" 2> /dev/null; rm -rf -- "$1"',
      'remove',
      folder,
    ])
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
