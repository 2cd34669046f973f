/** As many as one call takes. */
const most = 1000

export function* inBatches(ids: readonly string[]): Generator<string[]> {
  for (let from = 0; from < ids.length; from += most) yield ids.slice(from, from + most)
}
