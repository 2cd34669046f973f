/**
 * From the options and what is kept, a client that is signed in. On a server without accounts the first one is made on the
 * way, so that a new person's first command is the upload itself.
 */
import { randomInt } from 'node:crypto'
import { userInfo } from 'node:os'
import { ApiProblem, type Client, ConnectionFailed, createClient, describeFailure } from '@heliograph/client'
import { type CommandContext, CommandError, type CommandOptions, textOption } from './command.ts'
import { chooseServer, findCredential, removeCredential, saveCredential } from './credentials.ts'
import { ask, canAsk } from './login-prompt.ts'

export const serverOption = {
  type: 'string',
  meaning: 'Address of the server; the one you signed in to last when absent',
  placeholder: 'url',
} as const

/** Options of every command that needs an account. */
export const connectionOptions: CommandOptions = {
  server: serverOption,
  token: { type: 'string', meaning: 'Token to use instead of signing in' },
}

/** Throws `CommandError` with a sentence when the server does not answer or nobody is signed in. */
export async function connect(context: CommandContext): Promise<Client> {
  const server = await chooseServer(context)
  const given = textOption(context, 'token') || context.env.HELIOGRAPH_TOKEN
  if (given) return createClient({ baseUrl: server, token: given })

  const kept = await findCredential(context.env, server)
  if (kept !== null) {
    const client = createClient({ baseUrl: server, token: kept.token })
    if (await isSignedIn(client)) return client
    await removeCredential(context.env, server)
  }
  return createClient({ baseUrl: server, token: await obtainToken(context, server) })
}

async function isSignedIn(client: Client): Promise<boolean> {
  try {
    await sayFailures(client.baseUrl, () => client.accounts.me(), [401])
    return true
  } catch (error) {
    if (error instanceof ApiProblem) return false
    throw error
  }
}

async function obtainToken(context: CommandContext, server: string): Promise<string> {
  const { hasAccounts } = await sayFailures(server, () => createClient({ baseUrl: server }).server())
  if (!hasAccounts) return canAsk(context) ? registerByAsking(context, server) : registerByItself(context, server)
  if (!canAsk(context)) {
    throw new CommandError(
      `You are not signed in to ${server}. Run \`heliograph login\` in a terminal, or set HELIOGRAPH_TOKEN.`,
      2,
    )
  }
  context.stderr.write(`Sign in to ${server}\n`)
  return signIn(context, server, {
    email: await ask(context, 'E-mail'),
    password: await ask(context, 'Password', { hidden: true }),
  })
}

/** Signs in and keeps the token. */
export async function signIn(
  context: CommandContext,
  server: string,
  { email, password }: { email: string; password: string },
): Promise<string> {
  const client = createClient({ baseUrl: server })
  const { token } = await sayFailures(server, () => client.sessions.create({ email, password }))
  await saveCredential(context.env, server, { token, email })
  return token
}

/** Makes the first account, the administrator's, of what a person types. */
export async function registerByAsking(context: CommandContext, server: string): Promise<string> {
  context.stderr.write(`${server} has no accounts yet. Make the first one; it will be the administrator.\n`)
  const handle = await ask(context, 'Name to sign in and be found by', { fallback: ownHandle() })
  const email = await ask(context, 'E-mail', { fallback: `${handle}@localhost` })
  const password = await ask(context, 'Password', { hidden: true })
  const repeated = await ask(context, 'Password, once more', { hidden: true })
  if (password !== repeated) throw new CommandError('The two passwords are not the same. Nothing was done.', 2)
  return register(context, server, { handle, email, password })
}

async function registerByItself(context: CommandContext, server: string): Promise<string> {
  const handle = ownHandle()
  const email = `${handle}@localhost`
  const password = newPassword()
  const token = await register(context, server, { handle, email, password })
  context.stderr.write(
    `Made the first account of ${server}. Write this down, it is shown only once:\n` +
      `  E-mail    ${email}\n  Password  ${password}\n`,
  )
  return token
}

async function register(
  context: CommandContext,
  server: string,
  { handle, email, password }: { handle: string; email: string; password: string },
): Promise<string> {
  const client = createClient({ baseUrl: server })
  const { token } = await sayFailures(server, () => client.accounts.register({ handle, email, password, name: handle }))
  await saveCredential(context.env, server, { token, email })
  return token
}

/** Names of machine accounts, which servers keep for themselves. */
const machineNames = new Set(['root', 'admin', 'administrator', 'system'])

/** The name of the person at this machine, as the server allows it. */
function ownHandle(): string {
  const name = userInfo()
    .username.toLowerCase()
    .replace(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
  return name === '' || machineNames.has(name) ? 'photographer' : name.slice(0, 39)
}

/** 20 letters and digits that are not mistaken for one another: 98 bits. */
export function newPassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
  const letters = Array.from({ length: 20 }, () => alphabet[randomInt(alphabet.length)])
  return letters.join('').replace(/(.{5})(?=.)/g, '$1-')
}

/** Turns what went wrong into a `CommandError`, except for problems of the given statuses. */
export async function sayFailures<T>(
  server: string,
  call: () => Promise<T>,
  except: readonly number[] = [],
): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof ApiProblem && except.includes(error.status)) throw error
    if (error instanceof ConnectionFailed) throw new CommandError(unreachable(server))
    if (!(error instanceof ApiProblem)) throw error
    const { message, advice } = describeFailure(error)
    const isSignedOut = error.code === 'unauthenticated'
    throw new CommandError(`${message} ${isSignedOut ? signInAdvice : advice}`, error.status === 401 ? 2 : 1)
  }
}

const signInAdvice = 'Sign in with `heliograph login`.'

export function unreachable(server: string): string {
  const isLocal = /^https?:\/\/(localhost|127\.|\[::1\])/.test(server)
  return isLocal
    ? `No server answers at ${server}. Start it with \`npm start\`, or name another one with --server.`
    : `No Heliograph server answers at ${server}. Check the address and your network connection.`
}
