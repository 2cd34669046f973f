/**
 * When a URL signed at `nowSeconds` expires, in Unix seconds: the same for every moment of a bucket, so that the URL
 * stays the same and is cached, and always at least one whole bucket away (at most two), so that nobody is handed a URL
 * about to die.
 */
export function expiryBucket(nowSeconds: number, bucketSeconds: number): number {
  return (Math.floor(nowSeconds / bucketSeconds) + 2) * bucketSeconds
}

export function unixNow(): number {
  return Math.floor(Date.now() / 1000)
}
