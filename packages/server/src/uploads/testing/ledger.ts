/** What the clients of a crash test know for certain: what was acknowledged to them, and what they had begun. */

export interface BegunUpload {
  id: string
  bytes: Buffer
  /** Asked to be given up; whether that was done is not known before the answer. */
  isGivenUp: boolean
}

export interface Ledger {
  /** SHA-256 (hexadecimal) of every asset that was acknowledged and that nobody asked to remove. */
  kept: Map<string, string>
  /** Assets whose removal was asked for, or whose upload may yet bring them back. */
  doubtful: Set<string>
  begun: Map<string, BegunUpload>
}

export function createLedger(): Ledger {
  return { kept: new Map(), doubtful: new Set(), begun: new Map() }
}
