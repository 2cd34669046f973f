/** `heliograph list`: what is in the library, newest first. */
import type { Asset, AssetQuery, Page } from '@heliograph/client'
import { type Command, type CommandContext, numberOption } from './command.ts'
import { connect, connectionOptions, sayFailures } from './login-connect.ts'
import { formatBytes, nameCell, safeText } from './progress-text.ts'

export const listCommand: Command = {
  name: 'list',
  summary: 'List the photos and videos of your library, newest first',
  usage: 'list [options]',
  options: {
    ...connectionOptions,
    limit: { type: 'string', short: 'l', meaning: 'At most so many; 50 when absent', placeholder: 'number' },
    all: { type: 'boolean', short: 'a', meaning: 'All of them' },
    trashed: { type: 'boolean', meaning: 'Those in the trash' },
    json: { type: 'boolean', meaning: 'One JSON object a line' },
  },
  run: list,
}

/** The most the server gives at once. */
const pageSize = 500

async function list(context: CommandContext): Promise<number> {
  const { stdout, values, signal } = context
  const limit = values.all === true ? Number.POSITIVE_INFINITY : numberOption(context, 'limit', 50, 1_000_000)
  const client = await connect(context)
  const columns = stdout.isTTY === true ? (stdout.columns ?? 80) : null

  let left = limit
  let cursor: string | null = null
  do {
    const query: AssetQuery = { limit: Math.min(pageSize, left), cursor, trashed: values.trashed === true }
    const page: Page<Asset> = await sayFailures(client.baseUrl, () => client.assets.list(query, { signal }))
    for (const asset of page.items) {
      stdout.write(values.json === true ? `${JSON.stringify(asset)}\n` : `${row(asset, columns)}\n`)
    }
    left -= page.items.length
    cursor = page.nextCursor
  } while (cursor !== null && left > 0)

  const isEmpty = left === limit
  if (isEmpty && values.json !== true)
    stdout.write('There is nothing here yet. `heliograph upload <folder>` puts it in.\n')
  if (cursor !== null) context.stderr.write('There is more: --all lists it, or a larger --limit.\n')
  return 0
}

const stateColumns = 10
const idColumns = 36

/** Date, size, state, id and name; the name last, because only it is of any length. `columns` null: not cut. */
function row(asset: Asset, columns: number | null): string {
  const date = asset.capturedAt.slice(0, 10)
  const size = formatBytes(asset.size).padStart(8)
  const start = `${date}  ${size}  ${asset.state.padEnd(stateColumns)}  ${asset.id}  `
  const widthLeft = columns === null ? null : columns - (10 + 2 + 8 + 2 + stateColumns + 2 + idColumns + 2)
  if (widthLeft === null) return start + safeText(asset.filename)
  // On a narrow terminal the id, which `get` also finds by name, gives way to the name.
  if (widthLeft >= 20) return start + nameCell(asset.filename, widthLeft).trimEnd()
  const short = `${date}  ${size}  ${asset.state.padEnd(stateColumns)}  `
  return short + nameCell(asset.filename, Math.max(8, (columns ?? 80) - short.length)).trimEnd()
}
