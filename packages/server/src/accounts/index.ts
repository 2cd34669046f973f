export { type Accounts, type AccountsDeps, createAccounts } from './accounts.ts'
export { networkOf, recordFailure, slowDown } from './attempts.ts'
export {
  type Authenticator,
  type AuthenticatorDeps,
  type CredentialRequest,
  createAuthenticator,
} from './authenticate.ts'
export { requireOwnOrigin } from './csrf.ts'
export { type AccountTaskDeps, accountTasks } from './deletion.ts'
export { type JwtIssuer, parseJwtIssuers } from './jwt-issuers.ts'
export { createLimiter, type Limiter } from './limiter.ts'
export { createPasswords, type Passwords } from './password.ts'
export { createPeople, type People, type Person, PersonSchema } from './people.ts'
export { type AccountPrincipal, type Principal, type Scope, scopes } from './principal.ts'
export { type AccountRoutesDeps, accountRoutes } from './routes/index.ts'
export { describeServer } from './routes/server.ts'
