/**
 * The account that a demonstration fills. Its password is kept beside the other settings of this program, readable by that person
 * only, so that a second run finds the same library again; it is not the account that `heliograph login` keeps.
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ApiProblem, type Client, createClient } from '@heliograph/client'
import { type CommandContext, CommandError, textOption } from './command.ts'
import { configPath } from './credentials.ts'
import { newPassword, sayFailures } from './login-connect.ts'

export interface DemoAccount {
  client: Client
  email: string
  password: string
}

type Kept = Record<string, { email: string; password: string }>

/** Signs in to the account, which is made when it is not there. Throws `CommandError` when it is somebody else's. */
export async function openDemoAccount(context: CommandContext, server: string): Promise<DemoAccount> {
  const path = configPath(context.env, 'demo.json')
  const kept = await readKept(path)
  const email = textOption(context, 'email') ?? kept[server]?.email ?? 'demo@localhost'
  const known = kept[server]?.email === email ? kept[server].password : null
  const password = textOption(context, 'password') ?? known ?? newPassword()
  const token = (await register(server, email, password)) ?? (await signIn(server, email, password))
  await keep(path, { ...kept, [server]: { email, password } })
  return { client: createClient({ baseUrl: server, token }), email, password }
}

/** Null when somebody has the address or the name already. */
async function register(server: string, email: string, password: string): Promise<string | null> {
  const handle = (email.split('@')[0] ?? '').toLowerCase().replace(/[^a-z0-9_.-]+/g, '-')
  try {
    const { token } = await sayFailures(
      server,
      () => createClient({ baseUrl: server }).accounts.register({ handle, email, password, name: 'Demo' }),
      [403, 409],
    )
    return token
  } catch (error) {
    // Closed registration still lets in who is there.
    if (error instanceof ApiProblem) return null
    throw error
  }
}

async function signIn(server: string, email: string, password: string): Promise<string> {
  try {
    const credentials = { email, password }
    const { token } = await sayFailures(
      server,
      () => createClient({ baseUrl: server }).sessions.create(credentials),
      [401],
    )
    return token
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    throw new CommandError(
      `${server} takes no new account ${email}, and the password for it is another one. Name an account with --email and --password.`,
      2,
    )
  }
}

async function readKept(path: string): Promise<Kept> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Kept
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    // It is worth nothing that a person could mend.
    if (isMissing || error instanceof SyntaxError) return {}
    throw error
  }
}

async function keep(path: string, accounts: Kept): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeFile(path, `${JSON.stringify(accounts, null, 2)}\n`, { mode: 0o600 })
  await chmod(path, 0o600)
}
