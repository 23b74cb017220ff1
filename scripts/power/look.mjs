// Examines databases with the driver alone, without the code under test.
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { call, withHandle as openRaw } from '../raw-driver.mjs'

/** Lends a connection, keyed with raw hex digits when `key` is given, and closes it. */
export function withHandle(path, opening, work) {
  return openRaw(path, opening, (handle) =>
    work({ all: (sql) => call(handle, 'all', sql), exec: (sql) => call(handle, 'exec', sql) }),
  )
}

const seen = new Map()

/**
 * Returns a hash over every row of every table, except the internals of the full-text index; 'damaged' when a
 * check of SQLite finds something, undefined when the key does not open it. Reads a copy, so that it changes
 * nothing.
 */
export async function contentOf(path, { key, format }, scratch) {
  if (!existsSync(path)) return undefined
  const files = ['', '-wal', '-journal'].filter((suffix) => existsSync(path + suffix))
  const mark = createHash('sha256').update(`${key} ${format}`)
  for (const suffix of files) mark.update(`${suffix} `).update(readFileSync(path + suffix))
  const name = mark.digest('hex')
  if (!seen.has(name)) seen.set(name, await readCopy(path, files, { key, format }, scratch))
  return seen.get(name)
}

async function readCopy(path, files, how, scratch) {
  const copy = mkdtempSync(join(scratch, 'look-'))
  try {
    for (const suffix of files) cpSync(path + suffix, join(copy, `c.db${suffix}`))
    return await withHandle(join(copy, 'c.db'), how, readContent)
  } catch {
    return undefined
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

async function readContent({ all }) {
  const [first] = await all('PRAGMA integrity_check')
  const orphans = await all('PRAGMA foreign_key_check')
  if (Object.values(first)[0] !== 'ok' || orphans.length) return 'damaged'
  const hash = createHash('sha256')
  for (const table of await all("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name")) {
    if (/^(sqlite_|message_search_(data|idx|docsize|config))/.test(table.name)) continue
    const rows = await all(`SELECT * FROM "${table.name}"`)
    hash.update(JSON.stringify([table.name, table.sql, rows.map((row) => JSON.stringify(row)).sort()]))
  }
  return hash.digest('hex')
}
