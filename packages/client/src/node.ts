/** What the upload engine needs in Node: files on disk, native digests, streaming PUTs, and a file of unfinished uploads. */
export { createFileSource } from './node/file-source.ts'
export { createNodeHasher } from './node/hasher.ts'
export { createFileResumeStore } from './node/resume-store.ts'
export { createNodeTransport } from './node/transport.ts'
