/** Run by a test behind the walls: uses a native add-on and WebAssembly, and says what it sees. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { getHeapStatistics } from 'node:v8'
import sharp from 'sharp'

const { data, info } = await sharp({ create: { width: 4, height: 2, channels: 3, background: 'red' } })
  .resize(2)
  .png()
  .toBuffer({ resolveWithObject: true })
await sharp(data).stats()

// (module (func (export "sum") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const module = Buffer.from('0061736d0100000001070160027f7f017f030201000707010373756d00000a09010700200020016a0b', 'hex')
const { instance } = await WebAssembly.instantiate(module)
const add = instance.exports.sum as (one: number, other: number) => number

console.log(
  JSON.stringify({
    arguments: process.argv.slice(2),
    image: [info.width, info.height],
    sum: add(40, 2),
    heap: getHeapStatistics().heap_size_limit,
    beside: readdirSync(fileURLToPath(new URL('../../../../../', import.meta.url))),
  }),
)
