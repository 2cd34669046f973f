/** CIFF 1.0, the format of Canon's CRW: heaps with a directory at their end. It has no field for a place. */
import { latin1, type Stretch, u16, u32 } from './bytes.ts'
import { cameraName, type Facts, noFacts } from './facts.ts'
import { plausible } from './moments.ts'

const cameraTag = 0x080a
const timeTag = 0x180e
const heapTypes = new Set([0x2800, 0x3000])
const maxRecords = 2000

export function readCiff(bytes: Uint8Array): Facts {
  const facts: Facts = { ...noFacts }
  const heaps: Stretch[] = [{ start: u32(bytes, 2, true), end: bytes.length }]
  let records = 0
  for (let heap = heaps.shift(); heap !== undefined && records < maxRecords; heap = heaps.shift()) {
    const directory = heap.start + u32(bytes, heap.end - 4, true)
    const count = u16(bytes, directory, true)
    for (let index = 0; index < count && directory + 12 + index * 10 <= heap.end; index += 1) {
      records += 1
      if (records > maxRecords) break
      const at = directory + 2 + index * 10
      const tag = u16(bytes, at, true)
      const start = heap.start + u32(bytes, at + 6, true)
      const data = { start, end: start + u32(bytes, at + 2, true) }
      if (data.end > heap.end) continue
      if (heapTypes.has(tag & 0x3800) && data.end - data.start >= 4 && data.end - data.start < heap.end - heap.start)
        heaps.push(data)
      else if (tag === timeTag) facts.original = plausible(u32(bytes, data.start, true) * 1000, null)
      else if (tag === cameraTag) {
        const [make = '', model = ''] = latin1(bytes, data.start, Math.min(data.end, data.start + 200)).split('\0')
        facts.camera = cameraName(make, model)
      }
    }
  }
  return facts
}
