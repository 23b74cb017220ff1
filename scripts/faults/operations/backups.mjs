// Operations that create, check and remove backups.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { flags, makeDatabase, oneOf } from '../database.mjs'
import { namesIn } from '../look.mjs'
import { run } from '../program.mjs'
import { backupWords, wholeBackups } from './whole-files.mjs'

const manifests = (folder) =>
  namesIn(join(folder, 'backups'))
    .filter((name) => name.endsWith('.db.json'))
    .sort()
    .map((name) => join(folder, 'backups', name))

const parse = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

const setVerified = (path, moment) =>
  writeFileSync(path, JSON.stringify({ ...parse(path), verified_at: moment }, null, 2))

/** Creates a database and its backups, oldest first; `verified` says which of them count as verified. */
async function makeBackups(folder, mode, verified) {
  await makeDatabase(folder, mode)
  for (const _ of verified) await run(backupWords(folder))
  for (const [index, path] of manifests(folder).entries()) if (!verified[index]) setVerified(path, null)
}

/**
 * Returns the result of `judge` for the number of backups, when the database is unchanged and every backup is
 * complete.
 */
async function withWholeBackups(folder, judge) {
  const wrong = await oneOf(folder, { fine: ['v2', 'one'] })
  if (wrong !== 'fine') return wrong
  const count = await wholeBackups(folder)
  return typeof count === 'string' ? count : judge(count)
}

export default {
  backup: {
    make: (folder, mode) => makeDatabase(folder, mode),
    words: backupWords,
    state: (folder) => withWholeBackups(folder, (count) => (count > 0 ? 'after' : 'before')),
  },
  'backup prune': {
    modes: ['wal'],
    // Only the oldest counts as verified: it stays beside the newest, and the two between them are removed.
    make: (folder, mode) => makeBackups(folder, mode, [true, false, false, false]),
    words: (folder) => ['backup', 'prune', '--keep-last', '1', '--yes', ...flags(folder)],
    state: (folder, { code, stdout }) =>
      withWholeBackups(folder, (count) => {
        const whole = manifests(folder).filter((path) => existsSync(path.replace(/\.json$/, '')))
        if (!whole.some((path) => parse(path)?.verified_at)) return 'the last verified backup is gone'
        if (count === 2) return 'after' // a manifest without its file is not a backup
        // What could not be checked a second time stays, and the report says so.
        if (code === 0 && JSON.parse(stdout).backups.filter(({ keep }) => keep).length === count)
          return 'after'
        return count === 4 ? 'before' : 'part'
      }),
    parts: true,
    warns: true,
  },
  'backup verify': {
    modes: ['wal'],
    make: (folder, mode) => makeBackups(folder, mode, [false]),
    words: (folder) => ['backup', 'verify', 'latest', ...flags(folder)],
    state: (folder) =>
      withWholeBackups(folder, (count) => {
        const [manifest] = manifests(folder).map(parse)
        if (count !== 1 || !manifest?.sha256) return 'the backup or its manifest is gone'
        return manifest.verified_at ? 'after' : 'before'
      }),
    parts: true,
    warns: true,
  },
}
