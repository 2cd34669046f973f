/** The connection to one bucket: the SDK's client with the settings that other stores than AWS and long transfers need. */
import { Agent } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import { S3Client } from '@aws-sdk/client-s3'
import type { S3Location } from './url.ts'

export interface S3Connection {
  client: S3Client
  bucket: string
  prefix: string
  /** Keep connections open; the limit on their number holds for all who use them. */
  agents: { http: Agent; https: TlsAgent }
  /** Milliseconds without progress after which the store counts as unavailable. */
  timeout: number
}

/** Connections at once; further requests wait. A download that a slow client reads holds one. */
const maxSockets = 1_024

const silent = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore }

export function connect(location: S3Location, timeout: number): S3Connection {
  const agentOptions = { keepAlive: true, maxSockets, maxFreeSockets: 64 }
  const agents = { http: new Agent(agentOptions), https: new TlsAgent(agentOptions) }
  const client = new S3Client({
    region: location.region,
    ...(location.endpoint !== null && { endpoint: location.endpoint, forcePathStyle: true }),
    ...(location.credentials !== null && { credentials: location.credentials }),
    // By default the SDK streams with trailing checksums, which radosgw and others refuse, and presigns the CRC of nothing.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // With `Expect: 100-continue` the SDK opens a connection for every request and keeps none.
    expectContinueHeader: false,
    maxAttempts: 4,
    // Failures are thrown to whoever asked, who logs them once.
    logger: silent,
    requestHandler: {
      // Agents of our own, so that the limit holds for streamed bodies too.
      httpAgent: agents.http,
      httpsAgent: agents.https,
      connectionTimeout: Math.min(timeout, 5_000),
      // Until the answer begins. Streamed bodies take as long as their client does and are watched for progress instead.
      requestTimeout: timeout,
      throwOnRequestTimeout: true,
    },
  })
  return { client, bucket: location.bucket, prefix: location.prefix, agents, timeout }
}

function ignore(): void {
  // The SDK's log lines repeat what its errors say.
}
