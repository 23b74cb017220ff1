// Creates the databases that operations start with, and detects their state afterwards.
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as library from '../../dist/index.js'
import { call, contentOf, KEYS, namesIn, withHandle } from './look.mjs'
import { run } from './program.mjs'
import { newFolder, scratch } from './scratch.mjs'

/** Returns the global options for `c.db` of a folder, with one of its key files. */
export const flags = (folder, key = 'one') => [
  '--db',
  join(folder, 'c.db'),
  '--key-file',
  join(folder, key),
  '--json',
]

/** A word that occurs in the plaintext of every message, and nowhere in an encrypted file. */
export const MARK = 'xxxxxxxxxxxxxxxx'

const ROWS = `
  DELETE FROM settings;
  INSERT INTO settings (key, value, created_at, updated_at) VALUES ('a', 'b', '2025-01-01', '2025-01-01');
  INSERT INTO agents (id, name, model_name, created_at, updated_at)
    VALUES ('g', 'Ada', 'm', '2025-01-01', '2025-01-01');
  INSERT INTO chat_sessions (id, title, agent_id, created_at, updated_at)
    VALUES ('s', 'chat', 'g', '2025-01-01', '2025-01-01');
  INSERT INTO agent_executions (id, agent_id, session_id, input, status, started_at)
    VALUES ('e', 'g', 's', 'in', 'running', '2025-01-01');
  INSERT INTO chat_messages (id, session_id, role, content, created_at)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
    SELECT 'm' || i, 's', 'user', 'word' || i || ' ' || printf('%.400c', 'x'), '2025-01-01' FROM n;`

/** Writes the key files into a folder. */
export function writeKeys(folder) {
  for (const [file, key] of Object.entries(KEYS))
    writeFileSync(join(folder, file), `x'${key}'\n`, { mode: 0o600 })
}

const made = new Map()

/**
 * Creates `c.db` in a folder: a journal mode, a schema version, the name of a key (null for plaintext), an
 * old cipher format. In WAL mode the last row is pending in the -wal, as after a program that was killed.
 */
export async function makeDatabase(folder, mode, version = 2, key = 'one', format = undefined) {
  const kind = `made-${mode}-${version}-${key}-${format}`
  if (!made.has(kind)) made.set(kind, makeOnce(join(scratch, kind), mode, version, key, format))
  await made.get(kind)
  cpSync(join(scratch, kind), folder, { recursive: true })
}

async function makeOnce(folder, mode, version, key, format) {
  mkdirSync(folder)
  writeKeys(folder)
  const path = join(folder, 'c.db')
  const source = join(folder, 'source.db')
  const keyFile = join(folder, 'one')
  writeFileSync(path, '', { mode: 0o600 })
  await library.initDatabase({ path: source, keyFile })
  await library.withDatabase({ path: source, keyFile, access: 'write' }, (db) =>
    db.transaction((writer) => writer.exec(ROWS)),
  )
  if (version === 1)
    await run(['migrate', 'down', '--to', '1', '--no-backup', '--yes', '--db', source, '--key-file', keyFile])
  await withHandle(source, { key: KEYS.one }, async (handle) => {
    await call(handle, 'all', 'PRAGMA journal_mode = DELETE')
    await call(handle, 'exec', `ATTACH '${path}' AS made KEY "${key ? `x'${KEYS[key]}'` : ''}"`)
    if (format) await call(handle, 'exec', `PRAGMA made.cipher_compatibility = ${format}`)
    await call(handle, 'exec', "BEGIN; SELECT sqlcipher_export('made'); COMMIT; DETACH made")
  })
  rmSync(source)
  await inMode(folder, mode, { key: key && KEYS[key], format })
}

/** Switches `c.db` of a folder to a journal mode; in WAL mode its last row is pending in the -wal. */
export async function inMode(folder, mode, opening = { key: KEYS.one }) {
  const path = join(folder, 'c.db')
  await withHandle(path, opening, async (handle) => {
    await call(handle, 'all', `PRAGMA journal_mode = ${mode}`)
    if (mode !== 'wal') return
    await call(handle, 'exec', "UPDATE settings SET value = 'b' WHERE key = 'a'")
    for (const suffix of ['', '-wal']) cpSync(path + suffix, `${path}${suffix}.crashed`)
  })
  for (const suffix of ['', '-wal']) {
    if (!existsSync(`${path}${suffix}.crashed`)) continue
    cpSync(`${path}${suffix}.crashed`, path + suffix)
    rmSync(`${path}${suffix}.crashed`)
  }
}

const references = new Map()

/** Returns the content of a complete database at a version: `v1`, `v2`. */
export function known(version) {
  if (!references.has(version)) {
    references.set(
      version,
      (async () => {
        const folder = newFolder('known')
        await makeDatabase(folder, 'delete', Number(version.slice(1)))
        return contentOf(join(folder, 'c.db'), { key: KEYS.one })
      })(),
    )
  }
  return references.get(version)
}

/**
 * Returns how to open a state: the content, the key (a name in KEYS, or its hex digits; null for plaintext),
 * the cipher format.
 */
const openingOf = ([, key, format]) => ({ key: key && (KEYS[key] ?? key), format })

/**
 * Returns which of several states `c.db`, or another file, is in; when it is in none, what is wrong, in
 * words.
 */
export async function oneOf(folder, states, name = 'c.db') {
  const path = join(folder, name)
  if (!existsSync(path)) return 'there is no file'
  let opened = false
  for (const [state, what] of Object.entries(states)) {
    const content = await contentOf(path, openingOf(what))
    if (content === (await known(what[0]))) return state
    opened ||= content !== undefined
  }
  return opened ? 'it holds something else' : 'no stored key opens it'
}

/** Does the same for operations that keep the old file (`kept`), which has to exist after them. */
export async function keeping(folder, operation, states, kept = states.before) {
  const state = await oneOf(folder, states)
  if (state !== 'after') return state
  const names = namesIn(folder).filter(
    (name) => name.startsWith(`c.db.before-${operation}-`) && !/-(wal|shm|journal)$/.test(name),
  )
  for (const name of names)
    if ((await contentOf(join(folder, name), openingOf(kept))) === (await known(kept[0]))) return 'after'
  return 'what stood there before is gone'
}
