import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, it } from 'node:test'
import { sql } from 'kysely'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { type OpenDatabase, openDatabase } from './database.ts'
import { migrate } from './migrate.ts'

let database: TestDatabase
let open: OpenDatabase

before(async () => {
  database = await createTestDatabase()
  open = openDatabase({ url: database.url, poolSize: 2 })
})

after(async () => {
  await open.close()
  await database.drop()
})

it('describes each table and column that the migrations made, and which may be null', async () => {
  const { rows } = await sql<{ name: string; nullable: boolean }>`
    select table_name || '.' || column_name as name, is_nullable = 'YES' as nullable
    from information_schema.columns
    where table_schema = 'public' and table_name not like 'kysely\_%'`.execute(open.db)
  const migrated = Object.fromEntries(rows.map(({ name, nullable }) => [name, nullable]))
  assert.deepEqual(sortKeys(await describedColumns()), sortKeys(migrated))
})

it('is migrated once, however many processes start', async () => {
  assert.deepEqual(await Promise.all([migrate(open.db), migrate(open.db)]), [[], []])
})

/** Reads the interfaces of schema.ts: `table.column` to whether its type admits null. */
async function describedColumns(): Promise<Record<string, boolean>> {
  const source = await readFile(new URL('./schema.ts', import.meta.url), 'utf8')
  const interfaces = new Map<string, [name: string, type: string][]>()
  for (const [, name = '', body = ''] of source.matchAll(/^export interface (\w+) \{\n(.*?)^\}/gms)) {
    const members = [...body.matchAll(/^ {2}(\w+): (.+)$/gm)]
    interfaces.set(
      name,
      members.map(([, member = '', type = '']) => [member, type]),
    )
  }
  const columns: Record<string, boolean> = {}
  for (const [table, tableType] of interfaces.get('Database') ?? []) {
    for (const [column, type] of interfaces.get(tableType) ?? []) {
      columns[`${table}.${column}`] = /^Optional|\| null/.test(type)
    }
  }
  return columns
}

function sortKeys(columns: Record<string, boolean>): Record<string, boolean> {
  return Object.fromEntries(Object.entries(columns).sort(([a], [b]) => (a < b ? -1 : 1)))
}
