/** How many streams are open, of an account and of the process: each holds a connection and a little memory for hours. */
import { problems } from '../problem.ts'

export interface Places {
  /**
   * Takes a place and returns how to give it back. Throws `too-many-requests` when the account has too many, `unavailable`
   * when the process has.
   */
  enter(accountId: string): () => void
}

export function createPlaces(
  limits: { perAccount: number; perProcess: number },
  observe: (taken: number) => void,
): Places {
  const byAccount = new Map<string, number>()
  let taken = 0

  return {
    enter(accountId) {
      const own = byAccount.get(accountId) ?? 0
      // A stream ends when its client is found to be gone, which takes two heartbeats at most unless the network hides it.
      if (own >= limits.perAccount) {
        throw problems.tooManyRequests(`This account has ${own} event streams open. Close one first.`, {
          retryAfter: 30,
        })
      }
      if (taken >= limits.perProcess) {
        const retryAfter = 1 + Math.floor(Math.random() * 5)
        throw problems.unavailable('This server has as many event streams open as it can. Try again shortly.', {
          retryAfter,
        })
      }
      byAccount.set(accountId, own + 1)
      observe(++taken)
      return () => {
        observe(--taken)
        const left = (byAccount.get(accountId) ?? 1) - 1
        if (left === 0) byAccount.delete(accountId)
        else byAccount.set(accountId, left)
      }
    },
  }
}
