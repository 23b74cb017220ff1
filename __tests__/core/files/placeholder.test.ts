import { spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pid } from 'node:process'
import { readBackups } from '../../../src/core/backup/backup-folder.ts'
import { withDatabase } from '../../../src/core/database/database.ts'
import { renameToFree } from '../../../src/core/files/placeholder.ts'
import { recover, recoverFolder, stampOf } from '../../../src/core/files/recovery.ts'
import { keys } from '../../helpers/database.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

/** What a run leaves that was killed between holding the name and giving it to the file. */
function heldName({ by = 'dead', noted = true }: { by?: 'dead' | 'alive'; noted?: boolean } = {}) {
  const folder = temporaryFolder()
  const path = join(folder, 'c.db')
  const owner = by === 'alive' ? pid : Number(spawnSync('sh', ['-c', 'echo $$']).stdout)
  const begin = `${path}.init-${owner}-${stampOf(new Date())}`
  writeFileSync(`${begin}.new`, 'a whole database', { mode: 0o600 })
  writeFileSync(path, '', { mode: 0o600 })
  const moment = noted ? `${lstatSync(path, { bigint: true }).mtimeNs}\n` : ''
  writeFileSync(`${begin}.place`, `"c.db"\n${moment}`, { mode: 0o600 })
  return { folder, path, note: `${begin}.place` }
}

test('a file gets a free name by a rename, and nothing else is left', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'a.new'), 'text')
  await renameToFree(join(folder, 'a.new'), join(folder, 'a'))
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('text')
  expect(readdirSync(folder)).toEqual(['a'])
})

test.each([
  ['a file', (path: string) => writeFileSync(path, 'theirs')],
  ['an empty file', (path: string) => writeFileSync(path, '')],
  ['a folder', (path: string) => mkdirSync(path)],
  ['a link to nothing', (path: string) => symlinkSync('nothing', path)],
])('never over %s', async (_what, put) => {
  const folder = temporaryFolder()
  const path = join(folder, 'a')
  put(path)
  const before = lstatSync(path)
  writeFileSync(join(folder, 'a.new'), 'ours')
  await expect(renameToFree(join(folder, 'a.new'), path)).rejects.toMatchObject({ code: 'EEXIST' })
  expect(lstatSync(path)).toMatchObject({ ino: before.ino, size: before.size, mtimeMs: before.mtimeMs })
  expect(readdirSync(folder).sort()).toEqual(['a', 'a.new'])
})

test.each([
  ['that was noted', true],
  ['that could not be noted any more', false],
])('the next run removes the placeholder of a killed one %s', async (_what, noted) => {
  const { folder, path } = heldName({ noted })
  expect(await recover(path)).toEqual([{ operation: 'init', outcome: 'undone' }])
  expect(readdirSync(folder)).toEqual([])
})

test.each([
  ['a file with content', true, (path: string) => writeFileSync(path, 'theirs')],
  ['an empty file of another moment', true, (path: string) => utimesSync(path, 1_700_000_000, 1_700_000_000)],
  [
    'an empty file that was there long before',
    false,
    (path: string) => utimesSync(path, 1_700_000_000, 1_700_000_000),
  ],
])('the next run leaves %s alone that stands where the placeholder was', async (_what, noted, replace) => {
  const { folder, path } = heldName({ noted })
  replace(path)
  const content = readFileSync(path, 'utf8')
  await recoverFolder(folder)
  expect(readFileSync(path, 'utf8')).toBe(content)
  expect(readdirSync(folder)).toEqual(['c.db'])
})

test('a note that names another folder removes nothing there', async () => {
  const { path, note } = heldName()
  const victim = join(temporaryFolder(), 'theirs')
  writeFileSync(victim, '', { mode: 0o600 })
  writeFileSync(note, `${JSON.stringify(victim)}\n`, { mode: 0o600 })
  await recover(path)
  expect(existsSync(victim)).toBe(true)
})

test('the placeholder of a running process stays, and is called what it is', async () => {
  const { folder, path } = heldName({ by: 'alive' })
  const names = readdirSync(folder)
  expect(await recover(path)).toEqual([])
  expect(readdirSync(folder)).toEqual(names)
  await expect(withDatabase({ path, keys }, async () => {})).rejects.toMatchObject({
    code: 'LOCKED',
    message: `${path} is being put in its place by another process`,
  })
})

test('the placeholder of a killed one is called what it is', async () => {
  const { path } = heldName()
  await expect(withDatabase({ path, keys }, async () => {})).rejects.toMatchObject({
    code: 'NO_DATABASE',
    message: `${path} is an empty file that an interrupted init left`,
  })
})

test('an empty file is no backup, whatever its manifest says', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'c-20261125T120000000Z.db'), '')
  writeFileSync(join(folder, 'c-20261125T120000000Z.db.json'), '{}')
  expect(await readBackups(folder)).toEqual([])
})
