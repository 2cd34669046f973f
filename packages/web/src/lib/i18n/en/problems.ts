/** By the code of a problem (the end of its `type`); one that is missing is told in the words of the server. */
const byCode: Record<string, string> = {}

export const problems = {
  connection: {
    unreachable: 'The server cannot be reached. Check your connection and try again.',
    timeout: 'The server did not answer in time. Try again in a moment.',
    stalled: 'The connection came to a standstill. Check it and try again.',
  },
  byCode,
}
