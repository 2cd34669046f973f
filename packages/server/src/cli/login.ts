/** `heliograph login` and `heliograph logout`. */
import { ApiProblem, createClient } from '@heliograph/client'
import { type Command, textOption, UsageError } from './command.ts'
import { chooseServer, findCredential, removeCredential } from './credentials.ts'
import { registerByAsking, sayFailures, serverOption, signIn } from './login-connect.ts'
import { ask, canAsk, readAll } from './login-prompt.ts'

export const loginCommand: Command = {
  name: 'login',
  summary: 'Sign in to a server and remember it',
  usage: 'login [--server URL] [--email ADDRESS] [--password-stdin]',
  options: {
    server: serverOption,
    email: { type: 'string', meaning: 'E-mail address of the account', placeholder: 'address' },
    'password-stdin': { type: 'boolean', meaning: 'Read the password from standard input' },
  },
  async run(context) {
    const address = await chooseServer(context)
    const { hasAccounts } = await sayFailures(address, () => createClient({ baseUrl: address }).server())
    const isAsked = context.values['password-stdin'] !== true
    if (isAsked && !canAsk(context)) {
      throw new UsageError('There is no terminal to ask for the password. Use --email and --password-stdin.')
    }
    if (!hasAccounts && isAsked) {
      await registerByAsking(context, address)
    } else {
      const email = textOption(context, 'email') ?? (isAsked ? await ask(context, 'E-mail') : '')
      if (email === '') throw new UsageError('Name the account with --email.')
      const password = isAsked ? await ask(context, 'Password', { hidden: true }) : await readAll(context)
      await signIn(context, address, { email, password })
    }
    context.stdout.write(`Signed in to ${address}.\n`)
    return 0
  },
}

export const logoutCommand: Command = {
  name: 'logout',
  summary: 'Sign out and forget the server',
  usage: 'logout [--server URL]',
  options: { server: serverOption },
  async run(context) {
    const address = await chooseServer(context)
    const kept = await findCredential(context.env, address)
    if (kept === null) {
      context.stdout.write(`You were not signed in to ${address}.\n`)
      return 0
    }
    const client = createClient({ baseUrl: address, token: kept.token })
    try {
      await sayFailures(address, () => client.sessions.end(), [401, 403, 404])
    } catch (error) {
      // The token was not valid any more; a server that does not answer keeps the token valid, and that must be known.
      if (!(error instanceof ApiProblem)) throw error
    }
    await removeCredential(context.env, address)
    context.stdout.write(`Signed out of ${address}.\n`)
    return 0
  },
}
