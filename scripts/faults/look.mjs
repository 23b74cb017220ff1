// Examines databases with the raw driver, without the code under test.
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { call, withHandle } from '../raw-driver.mjs'
import { newFolder } from './scratch.mjs'

export { call, withHandle }

/** Raw keys; the files `one` and `two` of every folder hold them. */
export const KEYS = { one: '5a'.repeat(32), two: 'c3'.repeat(32) }

/**
 * Runs work on a copy of a file and the files beside it, so that it changes nothing. Resolves to undefined
 * when the file does not open with the key, or is damaged where the work reads it.
 */
export async function look(path, opening, work) {
  const copy = newFolder('look')
  try {
    for (const suffix of ['', '-wal', '-journal']) {
      if (existsSync(path + suffix)) cpSync(path + suffix, join(copy, `c.db${suffix}`))
    }
    return await withHandle(join(copy, 'c.db'), opening, work)
  } catch {
    return undefined
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/**
 * Returns true when SQLite's checks find nothing, including those of references and of the full-text index.
 */
async function isSound(handle) {
  const [structure] = await call(handle, 'all', 'PRAGMA integrity_check')
  const orphans = await call(handle, 'all', 'PRAGMA foreign_key_check')
  return Object.values(structure)[0] === 'ok' && orphans.length === 0
}

/** Returns the tables with user data, without the internal tables of the full-text index. */
async function tablesOf(handle) {
  const tables = await call(
    handle,
    'all',
    "SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name",
  )
  return tables.filter(({ name }) => !/^(sqlite_|message_search_(data|idx|docsize|config))/.test(name))
}

/**
 * Returns a hash over every row of every table, without the times of migrations; 'damaged' when a check finds
 * something.
 */
export function contentOf(path, opening) {
  return look(path, opening, async (handle) => {
    if (!(await isSound(handle))) return 'damaged'
    const hash = createHash('sha256')
    for (const table of await tablesOf(handle)) {
      const rows = await call(handle, 'all', `SELECT * FROM "${table.name}"`)
      const lines = rows.map(({ applied_at, docid, ...row }) => JSON.stringify(row)).sort()
      hash.update(JSON.stringify([table.name, table.sql, lines]))
    }
    return hash.digest('hex')
  })
}

/**
 * Returns the records of a database, by table and key: a Map of Maps. 'damaged' when a check finds something
 * or the full-text index does not match the messages.
 */
export function recordsOf(path, opening) {
  return look(path, opening, async (handle) => {
    if (!(await isSound(handle))) return 'damaged'
    if (!(await indexAgrees(handle))) return 'the full-text index does not agree with the messages'
    const records = new Map()
    for (const { name } of await tablesOf(handle)) {
      if (name.startsWith('message_search')) continue
      const rows = await call(handle, 'all', `SELECT * FROM "${name}"`)
      records.set(
        name,
        new Map(rows.map(({ applied_at, ...row }) => [row.id ?? row.key ?? row.version, row])),
      )
    }
    return records
  })
}

/**
 * Returns true when each message is in the full-text index with its words, and nothing else is; also when
 * there is no index.
 */
export async function indexAgrees(handle) {
  const [found] = await call(handle, 'all', "SELECT 1 FROM sqlite_schema WHERE name = 'message_search'")
  if (!found) return true
  const [{ n }] = await call(
    handle,
    'all',
    `SELECT (SELECT count(*) FROM message_search_rows WHERE message_id NOT IN (SELECT id FROM chat_messages))
          + (SELECT count(*) FROM chat_messages
             WHERE id NOT IN (SELECT message_id FROM message_search_rows)) AS n`,
  )
  if (n > 0) return false
  return call(
    handle,
    'exec',
    "INSERT INTO message_search (message_search, rank) VALUES ('integrity-check', 1)",
  ).then(
    () => true,
    () => false,
  )
}

/**
 * Describes how records differ: `chat_sessions +1`, `~1` for changed, `-1`, several joined by `, `; '' when
 * they do not.
 */
export function difference(before, after) {
  const parts = []
  for (const [table, rows] of after) {
    const known = before.get(table) ?? new Map()
    const added = [...rows.keys()].filter((key) => !known.has(key)).length
    const removed = [...known.keys()].filter((key) => !rows.has(key)).length
    const changed = [...rows].filter(
      ([key, row]) => known.has(key) && JSON.stringify(known.get(key)) !== JSON.stringify(row),
    ).length
    for (const [sign, count] of [
      ['+', added],
      ['-', removed],
      ['~', changed],
    ])
      if (count) parts.push(`${table} ${sign}${count}`)
  }
  return parts.join(', ')
}

export const namesIn = (folder) => (existsSync(folder) ? readdirSync(folder) : [])
