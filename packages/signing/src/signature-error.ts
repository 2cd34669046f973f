/**
 * Why a URL was refused. `expired` and `elsewhere` are only ever said of a URL whose signature was right: someone who
 * forges one learns nothing, and a client that hears them knows that asking for a fresh URL will help.
 */
export class SignatureError extends Error {
  /** `elsewhere`: the grant is bound to a place, and the visitor is not known to be there. */
  readonly reason: 'invalid' | 'expired' | 'elsewhere'

  constructor(reason: SignatureError['reason']) {
    super(messages[reason])
    this.name = 'SignatureError'
    this.reason = reason
  }
}

const messages = {
  invalid: 'The signature is not valid',
  expired: 'The signed URL has expired',
  elsewhere: 'The signed URL is for another place',
}
