/** Moves that are on their way to the server, one after the other: whoever reads an album's order waits for them. */
let sending: Promise<void> = Promise.resolve()

/** `move` must not reject. */
export function sendMove(move: () => Promise<void>): void {
  sending = sending.then(move)
}

export function movesSent(): Promise<void> {
  return sending
}
