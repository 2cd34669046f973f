/** The operations port: metrics, on loopback unless told otherwise, so that they never meet the public one. */
import { createServer, type Server } from 'node:http'
import type { Metrics } from '../engines/telemetry/metrics.ts'

export function createOperationsServer(metrics: Metrics, onError: (error: unknown) => void): Server {
  return createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    metrics.expose().then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      (error) => {
        onError(error)
        response.writeHead(503).end()
      },
    )
  })
}
