/**
 * How the bytes of one part travel. In browsers `XMLHttpRequest`, because `fetch` does not say how far an upload is; where
 * there is none (service workers), `fetch`. `node.ts` brings a streaming one. All send an exact `Content-Length`.
 */
import { ConnectionFailed } from '../problem.ts'
import type { ByteSlice } from './source.ts'

export interface PutRequest {
  url: string
  method: string
  headers: Record<string, string>
  body: ByteSlice
  /** Exact bytes of `body`. */
  size: number
  signal: AbortSignal
  /** Called with the number of bytes sent so far. */
  onProgress: (bytes: number) => void
}

export interface PutAnswer {
  status: number
  header(name: string): string | null
  /** The body, for the problem document of a failure; a prefix of it is enough. */
  text: string
}

export interface PutTransport {
  /** False when `onProgress` is called at the end only, so that silence says nothing. */
  readonly reportsProgress: boolean
  /** Resolves with any answer. Rejects with `ConnectionFailed`, the signal's reason, or what reading the body failed with. */
  put(request: PutRequest): Promise<PutAnswer>
}

export function createBrowserTransport(): PutTransport {
  return typeof XMLHttpRequest === 'undefined' ? createFetchTransport() : createXhrTransport()
}

export function createFetchTransport(send: typeof fetch = fetch): PutTransport {
  return {
    reportsProgress: false,
    async put({ url, method, headers, body, size, signal, onProgress }) {
      const bytes = await asBlobPart(body)
      try {
        const response = await send(url, { method, headers, body: bytes, signal, credentials: 'omit' })
        const text = await response.text()
        onProgress(size)
        return { status: response.status, header: (name) => response.headers.get(name), text }
      } catch (cause) {
        if (signal.aborted) throw signal.reason
        throw new ConnectionFailed('unreachable', `No connection to ${hostOf(url)}`, cause)
      }
    },
  }
}

export function createXhrTransport(): PutTransport {
  return {
    reportsProgress: true,
    async put({ url, method, headers, body, signal, onProgress }) {
      const bytes = await asBlobPart(body)
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const request = new XMLHttpRequest()
        const abort = () => request.abort()
        request.open(method, url)
        for (const [name, value] of Object.entries(headers)) {
          // The browser sets it from the body and refuses to be told.
          if (name.toLowerCase() !== 'content-length') request.setRequestHeader(name, value)
        }
        request.upload.onprogress = (event) => onProgress(event.loaded)
        request.onload = () =>
          resolve({
            status: request.status,
            header: (name) => request.getResponseHeader(name),
            text: request.responseText,
          })
        // A file that changed or went away ends the request just as a broken network does.
        request.onerror = () => {
          const failure = new ConnectionFailed('unreachable', `No connection to ${hostOf(url)}`)
          readable(bytes).then(() => reject(failure), reject)
        }
        request.onabort = () => reject(signal.reason)
        request.onloadend = () => signal.removeEventListener('abort', abort)
        signal.addEventListener('abort', abort)
        request.send(bytes)
      })
    },
  }
}

/** A Blob is sent from where it lies; anything else is read, at most one part at a time. */
function asBlobPart(body: ByteSlice): Promise<ArrayBuffer> | Blob {
  return body instanceof Blob ? body : body.arrayBuffer()
}

/** Rejects with the browser's `NotReadableError` when the file behind it cannot be read any more. */
async function readable(bytes: Blob | ArrayBuffer): Promise<void> {
  if (bytes instanceof Blob) await bytes.slice(0, 1).arrayBuffer()
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the server'
}
