// Operations that create or replace a complete database file, and migrations.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { flags, inMode, keeping, known, makeDatabase, oneOf, writeKeys } from '../database.mjs'
import { call, contentOf, KEYS, look, namesIn } from '../look.mjs'
import { run } from '../program.mjs'

export const backupWords = (folder) => ['backup', ...flags(folder)]

/** Checks that `c.db` is a complete new database under a key. */
export async function newDatabase(folder, key, path = join(folder, 'c.db')) {
  if (!existsSync(path)) return 'before'
  const rows = await look(path, { key }, (handle) =>
    call(handle, 'all', 'SELECT count(*) AS n FROM settings'),
  )
  return rows?.[0]?.n === 6 ? 'after' : 'not a whole database'
}

export default {
  init: {
    modes: ['wal'],
    make: async (folder) => writeKeys(folder),
    words: (folder) => ['init', ...flags(folder)],
    state: (folder) => newDatabase(folder, KEYS.one),
  },
  'migrate up': {
    make: (folder, mode) => makeDatabase(folder, mode, 1),
    words: (folder) => ['migrate', 'up', ...flags(folder)],
    state: (folder) => oneOf(folder, { before: ['v1', 'one'], after: ['v2', 'one'] }),
  },
  'migrate down': {
    make: (folder, mode) => makeDatabase(folder, mode),
    words: (folder) => ['migrate', 'down', '--to', '1', ...flags(folder)],
    state: (folder) => oneOf(folder, { before: ['v2', 'one'], after: ['v1', 'one'] }),
  },
  rekey: {
    make: (folder, mode) => makeDatabase(folder, mode),
    words: (folder) => ['rekey', '--new-key-file', join(folder, 'two'), ...flags(folder)],
    state: (folder) => oneOf(folder, { before: ['v2', 'one'], after: ['v2', 'two'] }),
  },
  restore: {
    make: async (folder, mode) => {
      await makeDatabase(folder, mode)
      await run(backupWords(folder))
      await run(['migrate', 'down', '--to', '1', '--no-backup', '--yes', ...flags(folder)])
      await inMode(folder, mode)
    },
    words: (folder) => ['restore', 'latest', '--yes', ...flags(folder)],
    state: (folder) => keeping(folder, 'restore', { before: ['v1', 'one'], after: ['v2', 'one'] }),
  },
  'restore over another key': {
    make: async (folder, mode) => {
      await makeDatabase(folder, mode)
      await run(backupWords(folder))
      await run(['rekey', '--new-key-file', join(folder, 'two'), ...flags(folder)])
      await inMode(folder, mode, { key: KEYS.two })
    },
    words: (folder) => ['restore', 'latest', '--yes', '--other-database', ...flags(folder)],
    state: async (folder) => {
      // Between the moves of a database with its -wal there is none under its name; the next run continues.
      if (!existsSync(join(folder, 'c.db')) && namesIn(folder).some((name) => name.endsWith('.new')))
        return 'part'
      return keeping(folder, 'restore', { before: ['v2', 'two'], after: ['v2', 'one'] })
    },
  },
  'restore --to': {
    modes: ['wal'],
    make: async (folder, mode) => {
      await makeDatabase(folder, mode)
      await run(backupWords(folder))
    },
    words: (folder) => ['restore', 'latest', '--to', join(folder, 'new', 'r.db'), ...flags(folder)],
    state: async (folder) => {
      const old = await oneOf(folder, { fine: ['v2', 'one'] })
      if (old !== 'fine') return old
      const restored = join(folder, 'new', 'r.db')
      if (!existsSync(restored)) return 'before'
      return oneOf(folder, { after: ['v2', 'one'] }, join('new', 'r.db'))
    },
    converged: [0, 18], // it already exists
  },
  encrypt: {
    make: (folder, mode) => makeDatabase(folder, mode, 2, null),
    words: (folder) => ['encrypt', ...flags(folder)],
    state: (folder) => keeping(folder, 'encrypt', { before: ['v2', null], after: ['v2', 'one'] }),
    converged: [0, 6], // it is already encrypted
  },
  upgrade: {
    make: (folder, mode) => makeDatabase(folder, mode, 1, 'one', 3),
    words: (folder) => ['upgrade', ...flags(folder)],
    state: (folder) => keeping(folder, 'upgrade', { before: ['v1', 'one', 3], after: ['v1', 'one'] }),
  },
}

/**
 * Checks that every backup of a folder is complete and has its manifest; returns their number, or in words
 * what is wrong.
 */
export async function wholeBackups(folder, version = 'v2', key = 'one') {
  const names = namesIn(join(folder, 'backups')).filter((name) => name.endsWith('.db'))
  for (const name of names) {
    const path = join(folder, 'backups', name)
    if (!existsSync(`${path}.json`)) return 'a backup without its manifest'
    if ((await contentOf(path, { key: KEYS[key] })) !== (await known(version)))
      return 'a backup that holds something else'
  }
  return names.length
}
