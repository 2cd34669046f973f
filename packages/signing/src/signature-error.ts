/**
 * Why a URL was refused. `expired` is only ever said of a URL whose signature was right: someone who forges one learns
 * nothing, and a client that hears it knows that asking for a fresh URL will help.
 */
export class SignatureError extends Error {
  readonly reason: 'invalid' | 'expired'

  constructor(reason: 'invalid' | 'expired') {
    super(reason === 'invalid' ? 'The signature is not valid' : 'The signed URL has expired')
    this.name = 'SignatureError'
    this.reason = reason
  }
}
