/** Moves that are on their way to the server, those of an album one after the other: whoever reads its order waits for them. */
const sending = new Map<string, Promise<void>>()

/** `move` must not reject. */
export function sendMove(albumId: string, move: () => Promise<void>): void {
  const last = movesSent(albumId)
    .then(move)
    .finally(() => {
      if (sending.get(albumId) === last) sending.delete(albumId)
    })
  sending.set(albumId, last)
}

export function movesSent(albumId: string): Promise<void> {
  return sending.get(albumId) ?? Promise.resolve()
}
