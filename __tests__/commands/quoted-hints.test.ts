import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDatabase, RAW_KEY } from '../helpers/database.ts'
import { fixture, keyFile, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { errorOf } from '../helpers/run.ts'

/** A folder whose name has to be quoted in a shell. */
function awkwardFolder(): string {
  const folder = join(temporaryFolder(), "it's my $HOME; chats")
  mkdirSync(folder)
  return folder
}

const shell = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' })

/** The words of a command line as a shell takes them apart. */
const wordsOf = (command: string) => shell(`printf '%s\\n' ${command}`).trimEnd().split('\n')

test('a -wal without its database is moved away by the command of the hint', async () => {
  const path = join(awkwardFolder(), 'chats.db')
  writeFileSync(`${path}-wal`, 'left')
  const result = await runHere(['init', '--db', path, '--key-file', keyFile(RAW_KEY), '--json'])
  shell(errorOf(result).hint.replace(/^.*move it away with /, ''))
  expect([existsSync(`${path}-wal`), existsSync(`${path}-wal.left`)]).toEqual([false, true])
})

test('permissions that are too wide are mended by the command of the hint', async () => {
  const path = join(awkwardFolder(), 'chats.db')
  copyFileSync(await makeDatabase(), path)
  chmodSync(path, 0o644)
  const result = await runHere(['health', '--db', path, '--key-file', keyFile(RAW_KEY), '--json'])
  const { checks } = JSON.parse(result.stdout)
  shell(checks.find(({ hint }: { hint?: string }) => hint?.startsWith('chmod')).hint)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test.each([
  [
    'phase21-v1-plaintext.db',
    'make an encrypted copy: ',
    (path: string) => ['encrypt', '--from', path, '--db', path.replace('.db', '-encrypted.db')],
  ],
  [
    'phase21-passphrase.sqlcipher3.db',
    'bring it into the current format: ',
    (path: string) => ['upgrade', '--db', path],
  ],
])('the hint for %s names its path as one word, with the key of the run', async (name, prose, wordsFor) => {
  const path = join(awkwardFolder(), 'chats.db')
  copyFileSync(fixture(name), path)
  const key = keyFile()
  const { hint } = errorOf(await runHere(['stats', '--db', path, '--key-file', key, '--json']))
  const command = hint.slice(hint.indexOf(prose) + prose.length)
  expect(wordsOf(command)).toEqual(['libreollama-db', ...wordsFor(path), '--key-file', key])
})
