import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sqlcipher from '@journeyapps/sqlcipher'
import { packageRoot } from '../../src/package-root.ts'
import { keyFile, newDatabase, temporaryFolder } from '../helpers/folder.ts'
import { errorOf, run } from '../helpers/run.ts'
import { NEEDS_STRACE, runWithFaults, testWithStrace } from '../helpers/strace.ts'

const STATES = 160

testWithStrace(
  `in ${STATES} states that a power cut could leave, nothing is lost that was acknowledged${NEEDS_STRACE}`,
  async () => {
    const script = join(packageRoot(), 'scripts', 'power.mjs')
    const child = spawn(process.execPath, [script, '--sample', String(STATES), '--json'])
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    await new Promise((resolve) => child.once('close', resolve))
    const { total, wrong } = JSON.parse(output)
    expect(wrong).toEqual([])
    expect(total).toMatchObject({ operations: 4, wrong: 0 })
    expect(total.states).toBeGreaterThanOrEqual(STATES)
    expect(total.acknowledged).toBeGreaterThanOrEqual(4)
  },
  120_000,
)

/** Runs SQL on a database with the driver alone; a plaintext one is made where there is none. */
async function runSql(path: string, sql: string, key?: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const done = (error: Error | null) => (error ? reject(error) : resolve())
    const handle = new sqlcipher.Database(path)
    const keying = key === undefined ? '' : `PRAGMA key = "${key}";`
    handle.exec(`${keying} ${sql}`, (error) => handle.close(() => done(error)))
  })
}

/** A database as another program may keep it: in rollback-journal mode. */
async function inRollbackMode() {
  const made = await newDatabase()
  await runSql(made.db, 'PRAGMA journal_mode = DELETE', readFileSync(made.key, 'utf8').trim())
  return made
}

testWithStrace(
  `a commit is acknowledged where the file system cannot sync folders${NEEDS_STRACE}`,
  async () => {
    const { words, folder } = await inRollbackMode()
    const { code } = await runWithFaults(
      ['setting', 'set', 'theme', 'dark', ...words],
      { fsync: 'error=EINVAL' },
      folder,
    )
    expect(code).toBe(0)
  },
)

testWithStrace(
  'where the disk does not confirm a commit, the error says that the change is there',
  async () => {
    const { words, folder, db } = await inRollbackMode()
    const set = ['setting', 'set', 'theme', 'dark', '--json', ...words]
    // The first of these calls is SQLite's own, for the journal that it makes.
    const error = errorOf(await runWithFaults(set, { fsync: 'error=EIO:when=2+' }, folder))
    expect(error).toMatchObject({
      code: 'IO',
      message: `the change is in ${db}, but the disk did not confirm it (EIO)`,
    })
    expect((await run(['setting', 'get', 'theme', ...words])).stdout).toContain('dark')
  },
)

testWithStrace(
  `a removal that the disk does not confirm is not reported as done${NEEDS_STRACE}`,
  async () => {
    const [from, to] = [temporaryFolder(), temporaryFolder()]
    const plain = join(from, 'plain.db')
    await runSql(plain, 'CREATE TABLE t (a)')
    const words = ['encrypt', '--from', plain, '--remove-plaintext', '--json', '--db', join(to, 'c.db')]
    const key = ['--key-file', keyFile(`x'${'5a'.repeat(32)}'\n`, to)]
    const done = await runWithFaults([...words, ...key], { fsync: 'error=EIO' }, from)
    expect(done.code).toBe(0)
    expect(JSON.parse(done.stdout)).toMatchObject({ plaintext: plain, removal: 'unconfirmed' })
    expect(done.stderr).toContain('the plaintext was removed, but the disk did not confirm it')
  },
)

testWithStrace(
  `a new key stays when a power cut could bring back the database that needs it${NEEDS_STRACE}`,
  async () => {
    const { words, folder } = await newDatabase()
    const other = join(temporaryFolder(), 'two')
    const rekey = ['rekey', '--generate-key', '--new-key-file', other, '--json', ...words]
    expect((await runWithFaults(rekey, { fsync: 'error=EIO:when=3+' }, folder)).code).toBe(18)
    expect(existsSync(other)).toBe(true)
    expect((await run(['stats', ...words])).code).toBe(0)
  },
)

test('a -wal of a database that is gone is not mixed into a new one', async () => {
  const folder = temporaryFolder()
  const db = join(folder, 'c.db')
  writeFileSync(`${db}-wal`, 'what is left')
  const words = ['--db', db, '--key-file', keyFile(`x'${'5a'.repeat(32)}'\n`), '--json']
  expect(errorOf(await run(['init', ...words]))).toMatchObject({ code: 'IO', exit: 18 })
  expect(readdirSync(folder)).toEqual(['c.db-wal'])
})

describe(`a file system without hard links${NEEDS_STRACE}`, () => {
  const NO_LINKS = { 'link,linkat': 'error=EPERM' }

  testWithStrace.each([
    ['init', 'new.db', (folder: string) => ['init', '--db', join(folder, 'new.db')]],
    ['backup', 'backups', () => ['backup']],
    ['export', 'out.jsonl', (folder: string) => ['export', '--out', join(folder, 'out.jsonl')]],
    ['restore', 'new.db', (folder: string) => ['restore', 'latest', '--to', join(folder, 'new.db')]],
  ])('%s makes its file, and not over another', async (name, made, words) => {
    const { folder, words: base } = await newDatabase()
    if (name === 'restore') expect((await run(['backup', ...base])).code).toBe(0)
    const result = await runWithFaults([...base, ...words(folder)], NO_LINKS)
    expect(result).toMatchObject({ code: 0 })
    expect(existsSync(join(folder, made))).toBe(true)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    expect(files.filter((file) => /\.(new|place)$/.test(file))).toEqual([])
  })

  testWithStrace(
    `init that was killed before the rename is ended by the next one${NEEDS_STRACE}`,
    async () => {
      const folder = temporaryFolder()
      mkdirSync(join(folder, 'data'))
      const db = join(folder, 'data', 'c.db')
      const words = ['init', '--db', db, '--key-file', keyFile(`x'${'5a'.repeat(32)}'\n`, folder), '--json']
      const killed = await runWithFaults(words, { ...NO_LINKS, rename: 'signal=SIGKILL' })
      expect(killed.code).not.toBe(0)
      expect(readdirSync(join(folder, 'data'))).toContain('c.db')
      expect(JSON.parse((await run(words)).stdout)).toMatchObject({ created: true })
      expect(readdirSync(join(folder, 'data'))).toEqual(['c.db'])
    },
  )
})
