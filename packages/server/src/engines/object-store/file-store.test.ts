import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { describeObjectStore } from './contract.ts'
import { createFileStore } from './file-store.ts'

const scratch = await mkdtemp(join(tmpdir(), 'heliograph-files-'))
after(() => rm(scratch, { recursive: true, force: true }))

describeObjectStore('files', async () => createFileStore({ root: join(scratch, 'linked') }), false)
