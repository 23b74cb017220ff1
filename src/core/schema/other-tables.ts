import type { Hint } from '../advice.ts'
import { withMemoryDatabase } from '../engine/connect.ts'
import type { Connection } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import { COMPARE_SCHEMA } from './index-tables.ts'
import { LEDGER_TABLE, readApplied, readLedger } from './ledger.ts'
import { type AppliedMigration, currentVersion, type Step } from './migrations.ts'

/** A function that plans the steps for a database, given its applied migrations. */
export type Plan = (applied: AppliedMigration[]) => Step[]

/** A plan for a database that may be migrated. */
export interface CheckedPlan {
  applied: AppliedMigration[]
  steps: Step[]
  /** True when the database holds any tables or views: then a backup comes first. */
  hasTables: boolean
  /** True when our tables are beside those of another program, or will be after this plan. */
  besideOthers: boolean
  /** True when this plan adds them. */
  joinsOthers: boolean
}

/**
 * Plans the migration of a database, which must be empty or one of ours. With `addTables` it may contain the
 * tables of another program, unless they have names that ours need. Throws MIGRATION_FAILED, naming its
 * tables, and whatever `plan` throws. Only reads.
 */
export async function checkPlan(
  connection: Connection,
  plan: Plan,
  { path, addTables = false }: { path: string; addTables?: boolean },
): Promise<CheckedPlan> {
  const applied = await readApplied(connection)
  const version = currentVersion(applied)
  const ledger = await readLedger(connection)
  const besideOthers = ledger === 'beside others'
  if (version > 0) {
    if (ledger === 'none' && !(await hasChats(connection)))
      throw notOurs(path, version, tablesOf(await readObjects(connection)))
    return { applied, steps: plan(applied), hasTables: true, besideOthers, joinsOthers: false }
  }
  const steps = plan(applied)
  const all = await readObjects(connection)
  const objects = ledger === 'none' ? all : all.filter(({ name }) => name !== LEDGER_TABLE)
  const names = tablesOf(objects)
  if (names.length > 0 && steps.length > 0) {
    const taken = await namesTaken(objects, steps)
    if (taken.length > 0) {
      if (await hasChats(connection)) throw versionLost(path)
      throw namesNeeded(path, taken, names)
    }
    // A ledger means that version 1 was applied and rolled back.
    if (ledger === 'none' && !addTables) throw othersTables(path, names)
  }
  const joinsOthers = names.length > 0 && ledger === 'none'
  const hasTables = names.length > 0
  return { applied, steps, hasTables, besideOthers: besideOthers || joinsOthers, joinsOthers }
}

/**
 * Describes a database that is encrypted as ours are and has only tables of another application; undefined for
 * every other one, an empty one too.
 */
export async function otherApplication(connection: Connection): Promise<AppError | undefined> {
  const version = currentVersion(await readApplied(connection))
  if ((await readLedger(connection)) !== 'none' || (await hasChats(connection))) return undefined
  const names = tablesOf(await readObjects(connection))
  const own = names.filter((name) => OWN_TABLES.has(name))
  const isOurs = own.length === names.length || own.length > (version > 0 ? 1 : 2)
  if (isOurs) return undefined
  return new AppError(
    'INVALID',
    `this is the database of another application; tables in it: ${list(names)}`,
    {
      hint: OWN_FILE,
    },
  )
}

const OWN_TABLES: ReadonlySet<string> = new Set([
  'chat_sessions',
  'chat_messages',
  'agents',
  'settings',
  'agent_executions',
  'schema_version',
  LEDGER_TABLE,
])

/** The columns of version 1 in the tables that identify a database of ours. */
const CHATS = {
  chat_sessions: 'id title model_name agent_id created_at updated_at is_archived metadata'.split(' '),
  chat_messages: 'id session_id role content model_name created_at metadata'.split(' '),
}

/**
 * Returns true when one of the two tables of chats exists as we create it; a column may be lost, its id is
 * text.
 */
export async function hasChats(connection: Connection): Promise<boolean> {
  for (const [table, expected] of Object.entries(CHATS)) {
    const columns = await connection.all<{ name: string; type: string }>(
      'SELECT lower(name) AS name, upper(type) AS type FROM pragma_table_info(?)',
      [table],
    )
    const found = expected.filter((name) => columns.some((column) => column.name === name))
    const hasTextId = columns.some(({ name, type }) => name === 'id' && type === 'TEXT')
    if (hasTextId && found.length >= expected.length - 1) return true
  }
  return false
}

interface SchemaObject {
  type: 'table' | 'index' | 'trigger' | 'view'
  name: string
  /** 1 for a table that belongs to a virtual table. */
  shadow: 0 | 1
}

async function readObjects(connection: Connection): Promise<SchemaObject[]> {
  return connection.all<SchemaObject>(
    `SELECT type, name, name IN (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow') AS shadow
     FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`,
  )
}

const tablesOf = (objects: SchemaObject[]) =>
  objects
    .filter(({ type, shadow }) => (type === 'table' || type === 'view') && !shadow)
    .map(({ name }) => name)

/**
 * Returns the names in the database that the steps would need for their own tables, indexes, triggers and
 * views.
 */
async function namesTaken(objects: SchemaObject[], steps: Step[]): Promise<string[]> {
  const made = await withMemoryDatabase(async (memory) => {
    try {
      for (const { migration } of steps) await memory.exec(migration.up)
    } catch {
      // A fault in a migration is reported when it runs.
    }
    return readObjects(memory)
  })
  // Triggers have a namespace of their own; tables, indexes and views share one. SQLite ignores case.
  const key = ({ type, name }: Pick<SchemaObject, 'type' | 'name'>) =>
    `${type === 'trigger' ? 'trigger' : ''} ${name.toLowerCase()}`
  const needed = new Set([...made, { type: 'table', name: LEDGER_TABLE } as const].map(key))
  return objects.filter((object) => needed.has(key(object))).map(({ name }) => name)
}

/**
 * Creates the error for a database whose tables of chats are ours but whose record of their version is gone.
 */
function versionLost(path: string): AppError {
  return new AppError(
    'CHECK_FAILED',
    `${path} has the tables of chats, but no schema version that can be read`,
    {
      hint: COMPARE_SCHEMA,
    },
  )
}

const OWN_FILE: Hint = ['nothing was changed', { step: 'choose_path', role: 'database' }]

function othersTables(path: string, names: string[]): AppError {
  return new AppError(
    'MIGRATION_FAILED',
    `${path} is the database of another application; tables in it: ${list(names)}`,
    {
      hint: [{ step: 'choose_path', role: 'database' }, { step: 'add_tables' }],
    },
  )
}

function namesNeeded(path: string, taken: string[], names: string[]): AppError {
  const others = names.filter((name) => !taken.includes(name))
  return new AppError(
    'MIGRATION_FAILED',
    `${path} is the database of another application, and names that are needed here are taken in it: ${list(taken)}${others.length > 0 ? `; other tables in it: ${list(others)}` : ''}`,
    { hint: OWN_FILE },
  )
}

function notOurs(path: string, version: number, names: string[]): AppError {
  return new AppError(
    'MIGRATION_FAILED',
    `${path} says schema version ${version}, but has no tables of chats as this program makes them; tables in it: ${list(names)}`,
    { hint: OWN_FILE },
  )
}

const MOST_NAMED = 12

function list(names: string[]): string {
  const more = names.length - MOST_NAMED
  return more > 1 ? `${names.slice(0, MOST_NAMED).join(', ')} and ${more} more` : names.join(', ')
}
