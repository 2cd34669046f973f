/** The upload is over on the server's side: completed, aborted, expired or unknown. */
export class UploadGone extends Error {
  constructor(cause: unknown) {
    super('The server does not know this upload any more', { cause })
    this.name = 'UploadGone'
  }
}
