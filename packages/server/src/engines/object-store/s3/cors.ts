/** What a browser needs of the bucket's CORS rules, and whether it has it; for `heliograph doctor --cors`. */
import { type CORSRule, GetBucketCorsCommand, S3ServiceException } from '@aws-sdk/client-s3'
import type { S3Connection } from './client.ts'
import { storing } from './errors.ts'

const methods = ['GET', 'HEAD', 'PUT', 'POST']
const requestHeaders = ['content-type', 'content-md5', 'if-none-match', 'x-amz-*']
const exposedHeaders = ['ETag', 'Content-Range', 'Accept-Ranges']

export interface CorsReport {
  ok: boolean
  /** One sentence each. */
  missing: string[]
  found: CORSRule[]
  /** The rules to set, as `aws s3api put-bucket-cors` takes them in `{"CORSRules": …}`. */
  wanted: CORSRule[]
}

/** The rules that uploads and downloads from these web origins need. */
export function corsRules(origins: string[]): CORSRule[] {
  return [
    {
      AllowedOrigins: origins,
      AllowedMethods: methods,
      AllowedHeaders: requestHeaders,
      ExposeHeaders: exposedHeaders,
      MaxAgeSeconds: 3_600,
    },
  ]
}

/** Reads the bucket's rules and says what these origins cannot do under them. */
export async function checkCors({ client, bucket }: S3Connection, origins: string[]): Promise<CorsReport> {
  const found = await readRules({ client, bucket })
  const missing = origins.flatMap((origin) => methods.flatMap((method) => lackOf(found, origin, method)))
  return { ok: missing.length === 0, missing, found, wanted: corsRules(origins) }
}

async function readRules({ client, bucket }: Pick<S3Connection, 'client' | 'bucket'>): Promise<CORSRule[]> {
  try {
    return (await client.send(new GetBucketCorsCommand({ Bucket: bucket }))).CORSRules ?? []
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === 'NoSuchCORSConfiguration') return []
    return storing(() => Promise.reject(error))
  }
}

/** A store answers by the first rule that fits origin and method, so that one has to allow everything. */
function lackOf(rules: CORSRule[], origin: string, method: string): string[] {
  const rule = rules.find((one) => allows(one.AllowedOrigins, origin) && one.AllowedMethods?.includes(method))
  if (rule === undefined) return [`${origin} may not ${method}.`]
  const headers = method === 'PUT' ? requestHeaders.filter((name) => !allows(rule.AllowedHeaders, name)) : []
  const exposed = exposedHeaders.filter((name) => !allows(rule.ExposeHeaders, name))
  return [
    ...headers.map((name) => `${origin} may not send ${name} with ${method}.`),
    ...exposed.map((name) => `${origin} cannot read ${name} of the answer to ${method}.`),
  ]
}

/** Patterns hold at most one `*`, which stands for anything. */
function allows(patterns: string[] | undefined, value: string): boolean {
  return (patterns ?? []).some((pattern) => {
    const [start = '', end] = pattern.toLowerCase().split('*', 2)
    const text = value.toLowerCase()
    return end === undefined ? text === start : text.startsWith(start) && text.endsWith(end)
  })
}
