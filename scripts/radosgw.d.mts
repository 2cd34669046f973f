/** What TypeScript needs to know of radosgw.mjs, which is plain JavaScript. */
export interface Radosgw {
  url: string
  endpoint: string
  bucket: string
  accessKey: string
  secretKey: string
  stop(): Promise<void>
}

export function startRadosgw(options: { dir: string }): Promise<Radosgw>
