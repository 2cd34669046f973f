export { type AccountPrincipal, type Principal, type Scope, scopes } from './principal.ts'
