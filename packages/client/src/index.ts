/** Upload engine and typed API of Heliograph, for browsers and Node (file access for Node is in `@heliograph/client/node`). */
export type * from './api.ts'
export { type Client, type ClientOptions, createClient, type RequestOptions } from './client.ts'
export type { AccountEvent, EventReset, EventsOptions } from './events.ts'
export { describeFailure, type FailureDescription } from './failure.ts'
export {
  createHasher,
  createWasmHasher,
  type DigestAlgorithm,
  type DigestOptions,
  type Hasher,
  type IncrementalHash,
} from './hashing.ts'
export type { LinkClient } from './link-calls.ts'
export { ApiProblem, ConnectionFailed, isTransient } from './problem.ts'
export type { AddOptions, UploadSuccess } from './upload/file-upload.ts'
export { createBrowserResumeStore, createMemoryResumeStore, type ResumeStore } from './upload/resume.ts'
export type { RetryPolicy } from './upload/retry.ts'
export { type ByteSlice, SourceChanged, type UploadSource } from './upload/source.ts'
export { createSpeedMeter, type SpeedMeter } from './upload/speed.ts'
export type { TaskState, UploadOutcome, UploadProgress, UploadTask } from './upload/task.ts'
export {
  createBrowserTransport,
  createFetchTransport,
  createXhrTransport,
  type PutAnswer,
  type PutRequest,
  type PutTransport,
} from './upload/transport.ts'
export type { UploadClient } from './upload/upload-client.ts'
export { UploadGone } from './upload/upload-gone.ts'
export { createUploader, type Uploader, type UploaderOptions } from './upload/uploader.ts'
export { createWorkerHasher, type HashingPort, serveHashing } from './worker-hasher.ts'
