/**
 * Imported before everything else. Bodies of uploads are memory outside the heap, and V8 answers their number with full
 * collections of a heap that holds little of them: a quarter of the processor time of many uploads at once. With a young
 * generation that does not grow those collections stay away, and the process is 45 MB smaller (measured by `bench a`).
 */
import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--semi-space-growth-factor=1')
