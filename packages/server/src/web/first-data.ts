/**
 * What a page would ask for first, gathered while the page is made. It is a courtesy: whatever goes wrong or takes long, the
 * page is sent without and asks for itself.
 */
import type { Accounts, Authenticator, describeServer, Principal } from '../accounts/index.ts'
import { isProblem } from '../problem.ts'
import type { TimelineItem, TimelineMonth } from '../timeline/index.ts'

type Account = Awaited<ReturnType<Accounts['readOwn']>>['view']
type ServerInfo = Awaited<ReturnType<typeof describeServer>>

export interface FirstTimeline {
  months: TimelineMonth[]
  /** The beginning of the newest month. */
  first: { month: string; items: TimelineItem[] }
}

export interface FirstData {
  me: Account | null
  server: ServerInfo
  timeline: FirstTimeline | null
}

export interface FirstDataDeps {
  authenticate: Authenticator['authenticate']
  readAccount(accountId: string): Promise<Account>
  readServer(): Promise<ServerInfo>
  /** The newest month of a library; null when it is empty. */
  readTimeline(accountId: string): Promise<FirstTimeline | null>
}

export interface FirstDataRequest {
  path: string
  cookies: Record<string, string | undefined>
}

/** Milliseconds after which the page is sent without. */
const patience = 300

/** Null when it could not be had in time. `onError` hears of what went wrong, once. */
export async function readFirstData(
  deps: FirstDataDeps,
  request: FirstDataRequest,
  onError: (error: unknown) => void,
): Promise<FirstData | null> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, patience, null)
  })
  const gathered = gather(deps, request).catch((error: unknown) => {
    onError(error)
    return null
  })
  try {
    return await Promise.race([gathered, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

async function gather(deps: FirstDataDeps, request: FirstDataRequest): Promise<FirstData> {
  const [server, { me, timeline }] = await Promise.all([deps.readServer(), readOwn(deps, request)])
  return { me, server, timeline }
}

async function readOwn(deps: FirstDataDeps, { path, cookies }: FirstDataRequest) {
  const accountId = await whoIs(deps, cookies)
  if (accountId === null) return { me: null, timeline: null }
  const [me, timeline] = await Promise.all([
    deps.readAccount(accountId),
    showsTimeline(path) ? deps.readTimeline(accountId) : null,
  ])
  return { me, timeline }
}

/** A cookie that is no longer good is nobody's here; the page says so when it asks. */
async function whoIs(deps: FirstDataDeps, cookies: FirstDataRequest['cookies']): Promise<string | null> {
  let principal: Principal
  try {
    principal = await deps.authenticate({ method: 'GET', headers: {}, cookies })
  } catch (error) {
    if (isProblem(error) && error.status < 500) return null
    throw error
  }
  return principal.kind === 'account' ? principal.accountId : null
}

function showsTimeline(path: string): boolean {
  return path === '/' || path === '/photos'
}
