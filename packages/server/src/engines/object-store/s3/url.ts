/** Reads `s3://KEY:SECRET@bucket?endpoint=…&region=…&prefix=…`. Every mistake is a `TypeError` without the secret in it. */

export interface S3Location {
  bucket: string
  /** Empty, or ends with a slash. */
  prefix: string
  /** Null for AWS itself. */
  endpoint: string | null
  region: string
  /** Null for the SDK's own chain: environment, profile, instance role. */
  credentials: { accessKeyId: string; secretAccessKey: string } | null
}

const parameters = ['endpoint', 'region', 'prefix']

export function parseS3Url(text: string): S3Location {
  if (!URL.canParse(text)) throw new TypeError('This is not an s3:// URL; percent-encode what is special in the secret')
  const url = new URL(text)
  if (url.protocol !== 's3:' || url.hostname === '') throw new TypeError('An S3 store is s3://bucket?endpoint=…')
  if (url.pathname !== '' && url.pathname !== '/') throw new TypeError('Write the folder in the bucket as ?prefix=…')
  for (const name of url.searchParams.keys()) {
    if (!parameters.includes(name))
      throw new TypeError(`${name} is no parameter of an S3 URL: ${parameters.join(', ')}`)
  }
  const endpoint = url.searchParams.get('endpoint')
  if (endpoint !== null && !/^https?:\/\//.test(endpoint)) throw new TypeError('endpoint must be an http(s) URL')
  if ((url.username === '') !== (url.password === '')) throw new TypeError('Give both a key and a secret, or neither')
  return {
    bucket: url.hostname,
    prefix: withSlash(url.searchParams.get('prefix') ?? ''),
    endpoint,
    region: url.searchParams.get('region') ?? 'us-east-1',
    credentials:
      url.username === ''
        ? null
        : { accessKeyId: decodeURIComponent(url.username), secretAccessKey: decodeURIComponent(url.password) },
  }
}

function withSlash(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
}
