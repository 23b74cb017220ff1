import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { databaseNamed } from '../../../src/core/backup/backup.ts'
import { findBackup, listBackups } from '../../../src/core/backup/own-backups.ts'
import { type PruneOptions, pruneBackups } from '../../../src/core/backup/prune-backups.ts'
import { verifyBackups } from '../../../src/core/backup/verify-backup.ts'
import type { Key } from '../../../src/core/keys/key.ts'
import { rekeyDatabase } from '../../../src/core/operations/rekey.ts'
import { restoreDatabase } from '../../../src/core/operations/restore.ts'
import {
  backupFrom,
  copyBackup,
  editManifest,
  keysOf,
  type Made,
  makeDatabaseAt,
  namesOf,
  write,
} from '../../helpers/backups.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const list = async (made: Made, options = {}) => namesOf(await listBackups({ ...made, ...options }))
const latest = async (made: Made, options = {}) =>
  basename(await findBackup('latest', { ...made, ...options }))
const prune = async (made: Made, options: Partial<PruneOptions> = {}) => {
  const decided = await pruneBackups({ ...made, rules: { last: 1 }, ...options })
  return decided.map(
    ({ path, keep, reasons }) => `${keep ? reasons.join(' + ') : 'gone'} ${basename(path).slice(0, 4)}`,
  )
}

/** Two databases in one folder, the second backed up last. */
async function neighbours(names = ['work.db', 'home.db'], keys = ['5a', '5b']) {
  const folder = temporaryFolder()
  const [first = '', second = ''] = names
  const work = await makeDatabaseAt(first, keys[0], folder)
  const home = await makeDatabaseAt(second, keys[1], folder)
  const backups = [await backupFrom(work, 2), await backupFrom(work, 1), await backupFrom(home, 0.5)]
  return { folder, work, home, own: namesOf(backups.slice(0, 2)).reverse(), other: namesOf(backups.slice(2)) }
}

test.each([
  ['under two keys', undefined, undefined],
  ['under one key', undefined, ['5a', '5a']],
  ['of which one is named as the other begins', ['a.db', 'a-b.db'], undefined],
  ['with names that are no Latin', ['дом.db', '家.db'], undefined],
])('backups of two databases in one folder, %s, are told apart', async (_case, names, keys) => {
  const { work, home, own, other } = await neighbours(names, keys)
  expect(await list(work)).toEqual(own)
  expect(await list(home)).toEqual(other)
  expect(await list(work, { all: true })).toEqual([...own, ...other])
  expect(await latest(work)).toBe(own[0])
  expect((await verifyBackups(work)).map(({ status }) => status)).toEqual(['ok', 'ok'])
  expect(namesOf(await pruneBackups({ ...work, rules: { last: 1 } }))).toEqual(own)
  expect(await list(work, { all: true })).toEqual([own[0], ...other])
  await pruneBackups({ ...home, rules: { daily: 1 } })
  expect(await list(home)).toEqual(other)
})

test.each<[string, (path: string) => void]>([
  ['is missing', (path) => rmSync(path)],
  ['is empty', (path) => truncateSync(path, 0)],
  ['is cut short', (path) => truncateSync(path, 8000)],
  ['is no database any more', (path) => writeFileSync(path, 'no database\n'.repeat(400))],
])('where the database %s, its backups are known by its name and salt', async (_case, harm) => {
  const { work, own, other } = await neighbours()
  harm(work.path)
  expect(await list(work)).toEqual(own)
  expect(await list(work, { all: true })).toEqual([...own, ...other])
  expect(await latest(work)).toBe(own[0])
})

test('without the key the salt tells whose backups they are, and pruning needs no more', async () => {
  const { work, own, other } = await neighbours()
  const keyless = { ...work, keys: keysOf('00') }
  expect(await latest(keyless)).toBe(own[0])
  expect(await prune(keyless)).toEqual(['last 1 work', 'gone work'])
  expect(await list(work, { all: true })).toEqual([own[0], ...other])
})

test('a database without backups never takes those of another of its name', async () => {
  const dir = join(temporaryFolder(), 'shared')
  const [one, two] = [await makeDatabaseAt('c.db', '5a'), await makeDatabaseAt('c.db', '5b')]
  const backups = [await backupFrom(one, 2, dir), await backupFrom(one, 1, dir)]
  expect(await list(two, { folder: dir })).toEqual([])
  await expect(findBackup('latest', { ...two, folder: dir })).rejects.toMatchObject({
    code: 'NO_DATABASE',
    message: expect.stringContaining('2 of other databases'),
    advice: { step: 'list_backups', folder: dir, all: true },
  })
  // Unread, it has nothing in common with them but a name: too little to remove one.
  const unread = { ...two, keys: keysOf('00'), folder: dir }
  await expect(pruneBackups({ ...unread, rules: { last: 1 } })).rejects.toMatchObject({ code: 'WRONG_KEY' })
  expect(namesOf(backups).every((name) => existsSync(join(dir, name)))).toBe(true)
  await backupFrom(two, 0.5, dir)
  rmSync(two.path)
  await expect(findBackup('latest', unread)).rejects.toMatchObject({ code: 'INVALID' })
  await expect(pruneBackups({ ...unread, rules: { last: 1 } })).rejects.toMatchObject({ code: 'INVALID' })
  expect(await list(one, { folder: dir, all: true })).toHaveLength(3)
})

test('a database that was renamed keeps its backups; a copy has its own', async () => {
  const { work, own, folder } = await neighbours()
  const copy = { ...work, path: join(folder, 'copy.db') }
  await restoreDatabase({ ...copy, from: await findBackup('latest', work), toNew: true })
  const ofCopy = namesOf([await backupFrom(copy, 0.2)])
  expect(await list(work)).toEqual(own)
  expect(await list(copy)).toEqual(ofCopy)
  expect(await prune(copy)).toEqual(['last 1 copy'])
  expect(await prune(work, { dryRun: true })).toEqual(['last 1 work', 'gone work'])
  rmSync(copy.path)
  const renamed = { ...work, path: join(folder, 'chats.db') }
  renameSync(work.path, renamed.path)
  expect(await list(renamed)).toEqual([...ofCopy, ...own])
  await backupFrom(renamed, 0.1)
  expect(await prune(renamed)).toEqual([
    'last 1 chat',
    'made under the name copy copy',
    'made under the name work work',
    'made under the name work work',
  ])
})

test('a database of which all tables were dropped and made anew finds what it was, and removes none of it', async () => {
  const made = await makeDatabaseAt('c.db')
  const { path } = await backupFrom(made, 2)
  await backupFrom(made, 1)
  await write(made, "UPDATE schema_version SET applied_at = '2025-01-01T00:00:00.000000+00:00'")
  expect(await list(made)).toHaveLength(2)
  expect(await prune(made)).toEqual(['of another birth c-20', 'of another birth c-20'])
  await expect(restoreDatabase({ ...made, from: path })).rejects.toMatchObject({ code: 'INVALID' })
})

test('a database that does not say when it was made is known by its name and salt', async () => {
  const { work, home, own } = await neighbours()
  for (const name of readdirSync(join(dirname(work.path), 'backups')).filter((file) =>
    file.endsWith('.db'),
  )) {
    editManifest(join(dirname(work.path), 'backups', name), { born: null })
  }
  expect(await list(work)).toEqual(own)
  expect(await list(home)).toHaveLength(1)
})

test('rekey names the backups of its own database only', async () => {
  const { work, own } = await neighbours(['work.db', 'home.db'], ['5a', '5a'])
  const newKey = { read: async () => (await keysOf('77')())[0] as Key }
  const dry = await rekeyDatabase({ ...work, newKey, dryRun: true })
  const report = await rekeyDatabase({ ...work, newKey })
  for (const { backups_with_other_key } of [dry, report])
    expect(backups_with_other_key.map((path) => basename(path))).toEqual(own)
})

test.each([
  ['chats-20261123T131500123Z.db', 'chats'],
  ['a-b-20261123T131500123Z-before-migrating-v1.db', 'a-b'],
  ['a-20261123T131500123Z-20261124T131500123Z.db', 'a-20261123T131500123Z'],
  ['a\nb-20261123T131500123Z.db', 'a\nb'],
  ['chats.db', null],
  ['chats-20261123.db', null],
  ['-20261123T131500123Z.db', null],
])('%j is a backup of %j', (name, database) => {
  expect(databaseNamed(name)).toBe(database)
})

describe('whatever else lies in the folder is a warning, and nothing else fails', () => {
  type Harm = (folder: string, backup: string) => void
  const pipe = (path: string) => execFileSync('mkfifo', [path])
  const stamp = (n: number) => `c-2026010${n}T000000000Z.db`
  test.each<[string, Harm, RegExp]>([
    ['a stray file', (folder) => writeFileSync(join(folder, 'notes.txt'), 'x'), /no backup: notes.txt/],
    [
      'many stray files',
      (folder) => {
        for (let n = 0; n < 9; n++) writeFileSync(join(folder, `n${n}`), 'x')
      },
      /n0, n1, n2, n3, n4 and 4 more/,
    ],
    ['a foreign JSON file', (folder) => writeFileSync(join(folder, 'package.json'), '{}'), /package.json/],
    ['a manifest cut short', (_folder, backup) => truncateSync(`${backup}.json`, 100), /not whole JSON/],
    ['an empty manifest', (_folder, backup) => truncateSync(`${backup}.json`, 0), /not whole JSON/],
    ['a manifest of a newer format', (_folder, backup) => editManifest(backup, { format: 2 }), /newer/],
    [
      'a manifest that describes nothing',
      (_folder, backup) => writeFileSync(`${backup}.json`, '[null]'),
      /does not describe/,
    ],
    [
      'a manifest with a date that is none',
      (_folder, backup) => editManifest(backup, { created_at: 'garbage 1' }),
      /does not describe/,
    ],
    ['a huge manifest', (_folder, backup) => truncateSync(`${backup}.json`, 2 ** 31), /2147483648 bytes/],
    [
      'a pipe in the place of a manifest',
      (_folder, backup) => {
        rmSync(`${backup}.json`)
        pipe(`${backup}.json`)
      },
      /not a regular file/,
    ],
    ['a pipe that nothing belongs to', (folder) => pipe(join(folder, 'x.json')), /x.json/],
    [
      'a folder in the place of a manifest',
      (_folder, backup) => {
        rmSync(`${backup}.json`)
        mkdirSync(`${backup}.json`)
      },
      /not a regular file/,
    ],
    ['a folder named as a backup', (folder) => mkdirSync(join(folder, stamp(1))), /no manifest/],
    [
      'a folder in the place of a backup',
      (_folder, backup) => {
        rmSync(backup)
        mkdirSync(backup)
      },
      /is a folder/,
    ],
    ['a manifest without its backup', (_folder, backup) => rmSync(backup), /a backup that is not there/],
    ['a backup without its manifest', (_folder, backup) => rmSync(`${backup}.json`), /has no manifest/],
    [
      'a link that leads nowhere',
      (_folder, backup) => {
        rmSync(backup)
        symlinkSync('/nowhere/at/all', backup)
      },
      /leads nowhere/,
    ],
    [
      'a link that leads to itself',
      (_folder, backup) => {
        rmSync(`${backup}.json`)
        symlinkSync(basename(`${backup}.json`), `${backup}.json`)
      },
      /too many symbolic links/,
    ],
  ])('%s', async (_case, harm, words) => {
    const { made, harmed, whole } = await template()
    const before = await list(made)
    harm(dirname(harmed), harmed)
    made.warnings.length = 0
    const left = await list(made)
    expect(made.warnings.join('\n')).toMatch(words)
    expect(left).toEqual(left.length === 3 ? before : whole)
    expect(await latest(made, { whole: true })).toBe(whole[0])
    expect((await prune(made)).filter((line) => line.startsWith('gone'))).toHaveLength(left.length - 1)
    harms.push(harm)
  })

  test('all of them at once', async () => {
    const { made, harmed, whole } = await template()
    for (const [n, harm] of harms.entries()) {
      const other = copyBackup(harmed, `c-2026020${n % 10}T0000000${n + 10}Z.db`)
      harm(dirname(other), other)
    }
    expect((await verifyBackups(made)).every(({ status }) => status === 'ok')).toBe(true)
    await prune(made)
    expect(await latest(made)).toBe(whole[0])
    const from = await findBackup('latest', { ...made, whole: true })
    expect((await restoreDatabase({ ...made, from })).previous).not.toBeNull()
    const newKey = { read: async () => (await keysOf('77')())[0] as Key }
    expect((await rekeyDatabase({ ...made, newKey })).backups_with_other_key).toEqual([from])
  })

  const harms: Harm[] = []
  let source: { made: Made; names: string[] } | undefined

  /** A database with three backups, of which the second is to be harmed; copies of one that is made once. */
  async function template() {
    if (!source) {
      const made = await makeDatabaseAt('c.db')
      const backups = [await backupFrom(made, 1), await backupFrom(made, 2), await backupFrom(made, 3)]
      source = { made, names: namesOf(backups) }
    }
    const folder = temporaryFolder()
    cpSync(dirname(source.made.path), folder, { recursive: true })
    const made = { ...source.made, path: join(folder, 'c.db') }
    const [newest = '', middle = '', oldest = ''] = source.names
    return { made, harmed: join(folder, 'backups', middle), whole: [newest, oldest] }
  }

  test('fields that a later program added to a manifest are kept', async () => {
    const made = await makeDatabaseAt('c.db')
    const { path } = await backupFrom(made, 1)
    editManifest(path, { note: 'mine' })
    expect((await verifyBackups(made)).map(({ status }) => status)).toEqual(['ok'])
    const { readManifest } = await import('../../../src/core/backup/manifest.ts')
    expect(await readManifest(path)).toMatchObject({ note: 'mine' })
  })

  test('a backup that has lost bytes counts for no rule and is not the latest that is restored', async () => {
    const made = await makeDatabaseAt('c.db')
    const backups = [await backupFrom(made, 2), await backupFrom(made, 1)]
    truncateSync(backups[1]?.path ?? '', 8192)
    expect(await latest(made, { whole: true })).toBe(basename(backups[0]?.path ?? ''))
    expect(await latest(made)).toBe(basename(backups[1]?.path ?? ''))
    expect(await prune(made)).toEqual(['last 1 c-20', 'damaged c-20'])
    expect((await verifyBackups(made)).map(({ status }) => status)).toEqual(['fail', 'ok'])
  })
})

describe('a backup that is dated in the future', () => {
  test('is not the latest, is told, and pushes none out of a rule', async () => {
    const made = await makeDatabaseAt('c.db')
    const [ahead, newest] = [await backupFrom(made, -3650), await backupFrom(made, 0)]
    await backupFrom(made, 40)
    expect(await latest(made)).toBe(basename(newest?.path ?? ''))
    expect(made.warnings.join()).toMatch(/dated in the future.*c-20/)
    for (const rule of ['last', 'daily', 'weekly', 'monthly']) {
      const kept = (await pruneBackups({ ...made, rules: { [rule]: 1 }, dryRun: true })).filter(
        ({ keep }) => keep,
      )
      expect(namesOf(kept)).toEqual(namesOf([newest, ahead] as { path: string }[]))
    }
  })

  test('is taken where there is no other, and counts again when its time has come', async () => {
    const made = await makeDatabaseAt('c.db')
    const [ahead, newest] = [await backupFrom(made, -1), await backupFrom(made, 0)]
    const later = { now: () => new Date(Date.now() + 2 * 86_400_000) }
    expect(await latest(made, later)).toBe(basename(ahead?.path ?? ''))
    rmSync(newest?.path ?? '')
    expect(await latest(made)).toBe(basename(ahead?.path ?? ''))
  })
})

describe('a database behind a symbolic link', () => {
  test.each<[string, (folder: string) => string]>([
    ['a link', (folder) => link('real/c.db', join(folder, 'link.db'))],
    ['a link to a link', (folder) => link(link('real/c.db', join(folder, 'one.db')), join(folder, 'two.db'))],
    ['a linked folder', (folder) => join(link('real', join(folder, 'linked')), 'c.db')],
    [
      'a link in another folder',
      (folder) => link(join(folder, 'real', 'c.db'), join(temporaryFolder(), 'link.db')),
    ],
  ])('%s: one folder of backups, whoever writes or reads', async (_case, makeLink) => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'real'))
    const made = await makeDatabaseAt(join('real', 'c.db'), '5a', folder)
    const linked = { ...made, path: makeLink(folder) }
    const names = namesOf([await backupFrom(linked, 1), await backupFrom(made, 2)])
    expect(await list(linked)).toEqual(names)
    expect(await list(made)).toEqual(names)
    expect(readdirSync(join(folder, 'real', 'backups'))).toHaveLength(4)
    rmSync(made.path)
    expect(await list(linked)).toEqual(names)
    const report = await restoreDatabase({ ...linked, from: await findBackup('latest', linked) })
    expect([report.previous, existsSync(made.path)]).toEqual([null, true])
    expect(await prune(linked)).toEqual(['last 1 c-20', 'gone c-20'])
  })

  test('that leads nowhere says so, and nothing is made where there is no folder', async () => {
    const made = await makeDatabaseAt('c.db')
    const { path: from } = await backupFrom(made, 1)
    const away = { ...made, path: link('/nowhere/at/all/c.db', join(temporaryFolder(), 'link.db')) }
    expect(await list(away)).toEqual([])
    expect(made.warnings.join()).toContain(`is a symbolic link to /nowhere/at/all/c.db, which does not exist`)
    await expect(restoreDatabase({ ...away, from })).rejects.toMatchObject({ code: 'IO' })
    expect(existsSync('/nowhere')).toBe(false)
  })

  function link(target: string, path: string): string {
    symlinkSync(target, path)
    return path
  }
})

describe('prune', () => {
  test('removes exactly what was shown: what has changed meanwhile stays', async () => {
    const made = await makeDatabaseAt('c.db')
    for (const days of [5, 4, 3, 2]) await backupFrom(made, days)
    const [newest, ...older] = await listBackups(made)
    const decided = await pruneBackups({
      ...made,
      rules: { last: 1 },
      confirm: async (going) => {
        expect(namesOf(going)).toEqual(namesOf(older))
        // One goes, and the one that was to be kept is no backup any more.
        rmSync(older[0]?.path ?? '')
        rmSync(`${newest?.path}.json`)
      },
    })
    expect(decided.map(({ keep }) => keep)).toEqual([true, true, true, false])
    expect(existsSync(older[1]?.path ?? '')).toBe(true)
  })

  test('asks nothing where nothing goes, and keeps all when the answer is no', async () => {
    const made = await makeDatabaseAt('c.db')
    await backupFrom(made, 2)
    const confirm = async () => Promise.reject(new Error('no'))
    expect(await prune(made, { confirm })).toEqual(['last 1 c-20'])
    await backupFrom(made, 1)
    await expect(prune(made, { confirm })).rejects.toThrow('no')
    expect(await list(made)).toHaveLength(2)
  })

  test('the last sound one stays, though newer ones are copies of a database with problems', async () => {
    const made = await makeDatabaseAt('c.db')
    for (const days of [3, 2, 1]) await backupFrom(made, days)
    const [newest, ...older] = await listBackups(made)
    for (const made of [newest, older[0]]) editManifest(made?.path ?? '', { problems: ['NULL value in t.a'] })
    expect(await prune(made)).toEqual(['last 1 c-20', 'gone c-20', 'the last verified one c-20'])
  })
})
