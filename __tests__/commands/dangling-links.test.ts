import { readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { makeDatabase, RAW_KEY } from '../helpers/database.ts'
import { keyFile, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { errorOf } from '../helpers/run.ts'

/** A folder with a link to nothing in it; both paths. */
function danglingLink(): { link: string; target: string; folder: string } {
  const folder = temporaryFolder()
  const [link, target] = [join(folder, 'link'), join(folder, 'nowhere')]
  symlinkSync('nowhere', link)
  return { link, target, folder }
}

const named = ({ link, target }: { link: string; target: string }) =>
  expect.stringContaining(`${link} is a symbolic link to ${target}, which does not exist`)

test.each([
  'init',
  'stats',
  'health',
  'session list',
  'backup',
  'rekey --new-key-file KEY',
  'upgrade',
  'encrypt',
  'key status',
  'key test',
  'import KEY',
])('%s names a link to nothing at the path of the database', async (command) => {
  const dangling = danglingLink()
  const key = keyFile(RAW_KEY)
  const words = command.split(' ').map((word) => (word === 'KEY' ? key : word))
  const result = await runHere([...words, '--db', dangling.link, '--key-file', key, '--json'])
  const { exit, message, hint } = errorOf(result)
  expect([exit, message]).toEqual([10, named(dangling)])
  expect(hint).toContain(`rm ${dangling.link}`)
  expect(readdirSync(dangling.folder)).toEqual(['link'])
})

test('diagnose names it, and a link to nothing above the database too', async () => {
  const dangling = danglingLink()
  for (const path of [dangling.link, join(dangling.link, 'a.db')]) {
    const { stdout } = await runHere(['diagnose', path, '--key-file', keyFile(RAW_KEY), '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ cause: 'missing', detail: named(dangling) })
  }
  const words = ['--db', join(dangling.link, 'a.db'), '--key-file', keyFile(RAW_KEY), '--json']
  expect(errorOf(await runHere(['init', ...words])).message).toEqual(named(dangling))
})

test.each([
  ['backups/', 'backup'],
  ['backups/', 'backup list'],
  ['backups/', 'backup verify --all'],
  ['backups/', 'backup prune --keep-last 1 --yes'],
  ['backups/', 'restore latest'],
  ['backups/', 'migrate down --to 1'],
  ['the key file', 'stats --key-file LINK'],
  ['the key file', 'key generate --key-file LINK'],
  ['an output', 'export --out LINK'],
  ['an output', 'key export --paper --out LINK'],
  ['an input', 'import LINK'],
  ['a new file', 'restore BACKUP --to LINK'],
])('a link to nothing at %s is named: %s', async (place, command) => {
  const db = await makeDatabase()
  const folder = join(db, '..')
  const isFolder = place === 'backups/'
  const dangling = isFolder
    ? { link: join(folder, 'backups'), target: join(folder, 'nowhere') }
    : danglingLink()
  const key = ['--key-file', keyFile(RAW_KEY)]
  let backup = ''
  if (command.includes('BACKUP')) {
    const { stdout } = await runHere(['backup', '--db', db, ...key, '--json'])
    backup = JSON.parse(stdout).path
  }
  if (isFolder) symlinkSync('nowhere', dangling.link)
  const words = command.split(' ').map((word) => ({ LINK: dangling.link, BACKUP: backup })[word] ?? word)
  const all = [...words, '--db', db, ...(words.includes('--key-file') ? [] : key), '--json']
  expect(errorOf(await runHere(all)).message).toEqual(named(dangling))
})
