import type { FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'
import type { Config } from '../config/index.ts'

/** JSON lines on standard error, so that standard output stays for people and pipes. Credentials never reach a line. */
export function createLogger(config: Pick<Config, 'logLevel'>): FastifyBaseLogger {
  return pino(
    {
      level: config.logLevel,
      redact: ['req.headers.authorization', 'req.headers.cookie'],
      serializers: {
        req: (request: { method: string; url: string }) => ({
          method: request.method,
          url: withoutSecrets(request.url),
        }),
      },
    },
    pino.destination({ fd: 2, sync: false }),
  )
}

/** Signed parameters and tokens in a path would open files to whoever reads the log. */
export function withoutSecrets(url: string): string {
  return url.replace(/\?.*$/, '?…').replace(/^(\/v1\/uppy\/)[^/]+/, '$1…')
}
