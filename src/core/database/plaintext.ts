import type { ClosableConnection, Connect } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import type { FileFacts } from '../files/file-facts.ts'

/** Describes an unencrypted SQLite file in words: LibreOllama's own, a Phase 2.1 database, or any other. */
export async function describePlaintext(facts: FileFacts, connect: Connect): Promise<string> {
  const app = await libreOllamaVersion(facts, connect)
  if (app === undefined) return 'a plaintext SQLite database'
  return app.phase21
    ? `a Phase 2.1 database, version ${app.version}`
    : `LibreOllama's own database, version ${app.version}`
}

/**
 * Returns the schema version of a LibreOllama file, or undefined for any other. Detected from its columns,
 * not from its number.
 */
async function libreOllamaVersion(facts: FileFacts, connect: Connect) {
  let connection: ClosableConnection | undefined
  try {
    connection = await connect(facts.realPath, { access: 'read', immutable: true })
    const columns = await connection.all<{ name: string }>(
      "SELECT name FROM pragma_table_info('chat_sessions')",
    )
    const names = new Set(columns.map((column) => column.name))
    const version = await connection.get<{ version: number | null }>(
      'SELECT max(version) AS version FROM schema_version',
    )
    if (version?.version == null) return undefined
    const own = names.has('session_name') || names.has('context_id') || names.has('outgoing_links_count')
    const phase21 = names.has('is_archived') && !own
    // One version of the app could drop its chats and stop there; another table identifies what remains.
    const wreck =
      names.size === 0 &&
      (await connection.get("SELECT 1 FROM sqlite_schema WHERE name = 'agent_executions'"))
    return own || phase21 || wreck ? { version: version.version, phase21 } : undefined
  } catch {
    return undefined // a best-effort read of a file that another program may be writing
  } finally {
    await connection?.close()
  }
}

/**
 * Describes what keeps an unencrypted file from being read whole, in words; undefined when nothing does. Looks
 * at its size and its schema, not at every page; undefined too while a -wal or a journal belongs to it.
 */
export async function plaintextDamage(facts: FileFacts, connect: Connect): Promise<string | undefined> {
  if (facts.walBytes || facts.hasJournal) return undefined
  const { start } = facts.samples
  const pageSize = start.readUInt16BE(16) === 1 ? 65_536 : start.readUInt16BE(16)
  const pages = start.readUInt32BE(28)
  const isCurrent = start.readUInt32BE(24) === start.readUInt32BE(92)
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) return 'its header is overwritten'
  if (isCurrent && pages * pageSize > facts.size)
    return `it is cut short: ${facts.size} of ${pages * pageSize} bytes`
  // A disk that fails once looks like damage.
  const isUnreadable = async () => !(await readsSchema(facts, connect))
  return (await isUnreadable()) && (await isUnreadable()) ? 'its schema cannot be read' : undefined
}

/** Returns false where the engine calls a file damaged, or no database, when it reads the schema. */
async function readsSchema({ realPath }: FileFacts, connect: Connect): Promise<boolean> {
  const connection = await connect(realPath, { access: 'read', immutable: true })
  try {
    await connection.all('SELECT name FROM sqlite_schema')
    return true
  } catch (error) {
    return !(error instanceof AppError && (error.code === 'CORRUPT' || error.code === 'WRONG_KEY'))
  } finally {
    await connection.close()
  }
}
