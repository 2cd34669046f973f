export { type Accounts, type AccountsDeps, createAccounts } from './accounts.ts'
export {
  type Authenticator,
  type AuthenticatorDeps,
  type CredentialRequest,
  createAuthenticator,
} from './authenticate.ts'
export { type AccountTaskDeps, accountTasks } from './deletion.ts'
export { type JwtIssuer, parseJwtIssuers } from './jwt-issuers.ts'
export { type AccountPrincipal, type Principal, type Scope, scopes } from './principal.ts'
export { type AccountRoutesDeps, accountRoutes } from './routes/index.ts'
