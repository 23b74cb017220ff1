import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import sqlcipher from '@journeyapps/sqlcipher'
import { createBackup } from '../../../src/core/backup/backup.ts'
import { databaseHealthCheck } from '../../../src/core/checks/health.ts'
import { diagnose, withDatabase } from '../../../src/core/database/database.ts'
import type { Connection } from '../../../src/core/engine/connection.ts'
import { findLostCommits } from '../../../src/core/files/write-ahead-log.ts'
import { restoreDatabase } from '../../../src/core/operations/restore.ts'
import { salvage } from '../../../src/core/operations/salvage.ts'
import { session } from '../../../src/core/records/entities/session.ts'
import { createMessages } from '../../../src/core/records/messages.ts'
import { createRecords } from '../../../src/core/records/repository.ts'
import { importChats } from '../../../src/core/transfer/import/import-chats.ts'
import { inspectElsewhere } from '../../../src/helper-programs.ts'
import { packageRoot } from '../../../src/package-root.ts'
import { shippedMigrations } from '../../../src/shipped-migrations.ts'
import { keys, makeDatabase, RAW_KEY } from '../../helpers/database.ts'
import { durable, temporaryFolder } from '../../helpers/folder.ts'

const FRAME = 24 + 4096
const COMMITS = 6

/** A database as a killed program leaves it: the newest commits are only in its -wal. */
interface Left {
  path: string
  log: Buffer
  /** The frames that end a transaction, counted from 1. */
  commits: number[]
  ids: string[]
}

/** Copies a database and its -wal while `work` has just been done, as they lie there after a kill. */
async function leftAfter(work: (writer: Connection) => Promise<void>): Promise<string> {
  const path = await makeDatabase()
  const left = join(temporaryFolder(), 'c.db')
  await withDatabase({ path, keys, access: 'write' }, (db) =>
    db.exclusively(async (writer) => {
      await work(writer)
      for (const suffix of ['', '-wal']) copyFileSync(path + suffix, left + suffix)
    }),
  )
  return left
}

let left: Left

beforeAll(async () => {
  const ids: string[] = []
  const path = await leftAfter(async (writer) => {
    const [chat] = await createRecords(writer, session, [{ title: 'Brot' }], new Date())
    for (let commit = 1; commit < COMMITS; commit++) {
      const content = `a loaf of number ${commit} ${'and more '.repeat(200)}`
      const input = { session_id: chat?.id, role: 'user', content }
      await writer.run('BEGIN')
      const made = await createMessages(writer, [input, input], new Date())
      await writer.run('COMMIT')
      ids.push(...made.map(({ id }) => String(id)))
    }
  })
  const log = readFileSync(`${path}-wal`)
  const frames = (log.length - 32) / FRAME
  const commits = Array.from({ length: frames }, (_, index) => index + 1).filter(
    (number) => log.readUInt32BE(32 + (number - 1) * FRAME + 4) > 0,
  )
  left = { path, log, commits, ids }
})

/** A copy of it with some bytes of the -wal changed, in a folder of its own. */
function copyOf({ path, log }: Left, change: (log: Buffer) => void = () => {}): string {
  const copy = join(temporaryFolder(), 'c.db')
  copyFileSync(path, copy)
  const changed = Buffer.from(log)
  change(changed)
  writeFileSync(`${copy}-wal`, changed, { mode: 0o600 })
  return copy
}

const flip =
  (offset: number, bit = 0) =>
  (log: Buffer) => {
    log.writeUInt8(log.readUInt8(offset) ^ (1 << bit), offset)
  }

const inFrame = (number: number, offset: number, bit?: number) =>
  flip(32 + (number - 1) * FRAME + offset, bit)
const lastOf = ({ commits }: Left, back: number) => commits.at(-back) ?? 0

const countMessages = (path: string, told?: (detail: string) => void) =>
  withDatabase({ path, keys, onLostCommits: told && (({ detail }) => told(detail)) }, (db) =>
    db.read(
      async (reader) => (await reader.get<{ n: number }>('SELECT count(*) AS n FROM chat_messages'))?.n,
    ),
  )

const options = { keys, inspect: inspectElsewhere }

describe('what a -wal that was left behind has lost', () => {
  test('an untouched one has lost nothing: it opens, every commit is there, and it can be written', async () => {
    const path = copyOf(left)
    expect(left.commits.length).toBe(COMMITS)
    expect(await findLostCommits(`${path}-wal`)).toBeUndefined()
    expect(await diagnose(path, keys)).toMatchObject({ cause: 'ok' })
    const added = await withDatabase({ path, keys, access: 'write' }, (db) =>
      db.transaction((writer) => writer.run("INSERT INTO settings (key, value) VALUES ('a', 'b')")),
    )
    expect(added).toBe(1)
    expect(await countMessages(path)).toBe(left.ids.length)
  })

  test('one bit in any frame before the last transaction is found', async () => {
    const path = copyOf(left)
    const missed: string[] = []
    for (let number = 1; number <= lastOf(left, 2); number++) {
      for (const offset of [0, 3, 4, 7, 8, 15, 16, 23, 24, 24 + ((number * 977) % 4096)]) {
        const log = Buffer.from(left.log)
        inFrame(number, offset, number % 8)(log)
        writeFileSync(`${path}-wal`, log)
        const found = await findLostCommits(`${path}-wal`)
        if (found?.frame !== number) missed.push(`frame ${number}, byte ${offset}: ${found?.frame}`)
      }
    }
    expect(missed).toEqual([])
  })

  test('one bit anywhere in the header is found', async () => {
    const path = copyOf(left)
    const missed: number[] = []
    for (let offset = 0; offset < 32; offset++) {
      const log = Buffer.from(left.log)
      flip(offset, offset % 8)(log)
      writeFileSync(`${path}-wal`, log)
      if ((await findLostCommits(`${path}-wal`))?.frame !== 0) missed.push(offset)
    }
    expect(missed).toEqual([])
  })

  test.each<[string, (log: Buffer) => void]>([
    ['a sector of zeros across the header and the first frame', (log) => log.fill(0, 0, 512)],
    ['4 KiB of zeros in the middle', (log) => log.fill(0, 8192, 12288)],
    ['a page of another file in the middle', (log) => log.fill(0xa5, 8192, 12288)],
    [
      'the mark of the last commit but one',
      (log) => log.writeUInt32BE(0, 32 + (lastOf(left, 2) - 1) * FRAME + 4),
    ],
  ])('%s: found', async (name, change) => {
    const path = copyOf(left, change)
    const found = await findLostCommits(`${path}-wal`)
    // A mark that was cleared in more than one bit looks like one long last transaction.
    if (name.startsWith('the mark')) expect([undefined, lastOf(left, 2)]).toContain(found?.frame)
    else expect(found?.commits).toBeGreaterThan(0)
  })

  test.each<[string, (log: Buffer) => void]>([
    ['a bit in the last transaction', (log) => inFrame(lastOf(left, 1), 1000)(log)],
    ['a last transaction that ends in the middle', (log) => log.fill(0, log.length - FRAME - 100)],
  ])('%s cannot be told from a crash, and is no finding', async (_name, change) => {
    const path = copyOf(left, change)
    expect(await findLostCommits(`${path}-wal`)).toBeUndefined()
    expect(await diagnose(path, keys)).toMatchObject({ cause: 'ok' })
  })

  test('a log that began anew over an old one, and pages of a transaction that was rolled back, are no finding', async () => {
    const path = await leftAfter(async (writer) => {
      const setting = (key: string, size: number) =>
        writer.run('INSERT INTO settings (key, value) VALUES (?, ?)', [key, 'x'.repeat(size)])
      for (let number = 0; number < 30; number++) await setting(`old ${number}`, 9000)
      await writer.get('PRAGMA wal_checkpoint(RESTART)')
      await setting('new', 1)
      await writer.exec('PRAGMA cache_size = 5; BEGIN')
      for (let number = 0; number < 40; number++) await setting(`gone ${number}`, 9000)
      await writer.run('ROLLBACK')
      await setting('last', 1)
    })
    expect(await findLostCommits(`${path}-wal`)).toBeUndefined()
    expect(readFileSync(`${path}-wal`).length).toBeGreaterThan(40 * FRAME)
  })
})

describe('a database that has lost commits', () => {
  /** Damaged in the last but three commit, in a page that a later one wrote again. */
  const broken = () => {
    const newest = new Set(newestFrames(left).map(([, frame]) => frame))
    for (let number = lastOf(left, 4); number > 0; number--) if (!newest.has(number)) return number
    throw new Error('no page was written twice')
  }
  const damaged = () => copyOf(left, (log) => inFrame(broken(), 500)(log))

  test.each<[string, (path: string) => Promise<unknown>]>([
    ['writing', (path) => withDatabase({ path, keys, access: 'write' }, async () => {})],
    ['a backup', (path) => createBackup({ ...options, path })],
    ['reading, for a caller who is not told', (path) => countMessages(path)],
  ])('%s is refused, and a copy of the -wal is kept', async (_name, work) => {
    const path = damaged()
    const before = durable(join(path, '..'))
    await expect(work(path)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining(`is damaged in frame ${broken()}`),
      advice: { step: 'salvage', path, to: `${path}-salvaged` },
    })
    const { [keptIn(path)]: kept, ...after } = durable(join(path, '..'))
    expect(after).toEqual(before)
    expect(kept).toBe(before['c.db-wal'])
  })

  test('reading goes on for a caller who is told', async () => {
    const told: string[] = []
    expect(await countMessages(damaged(), (detail) => told.push(detail))).toBeLessThan(left.ids.length)
    expect(told.join()).toMatch(/does not read the 4 commits after it; a copy of the -wal is at/)
  })

  test('diagnose and health say so, and change nothing', async () => {
    const path = damaged()
    const before = durable(join(path, '..'))
    expect(await diagnose(path, keys)).toMatchObject({ cause: 'damaged', pages: [] })
    expect(durable(join(path, '..'))).toEqual(before)
    const report = await databaseHealthCheck({ path, keys, migrations: await shippedMigrations() })
    const failed = report.checks.filter(({ status }) => status === 'fail')
    expect(failed.map(({ name }) => name)).toEqual(['write_ahead_log'])
  })

  test('salvage: every commit comes back where a later frame holds the page, and restoring it is the end', async () => {
    const path = damaged()
    const before = durable(join(path, '..'))
    const folder = join(temporaryFolder(), 'saved')
    const report = await salvage({ keys, path, folder })
    expect(report).toMatchObject({ lost_pages: [], before: { problems: [] }, recovered: { problems: [] } })
    expect(await countMessages(report.recovered.path)).toBe(left.ids.length)
    const there = (await countMessages(report.before.path)) ?? 0
    expect(report.messages.map(({ id }) => id)).toEqual(left.ids.slice(there))
    expect(report.messages.length).toBeGreaterThan(0)
    expect(readdirSync(folder).sort()).toEqual(['c-before.db', 'c-recovered.db'])
    const { [keptIn(path)]: _kept, ...after } = durable(join(path, '..'))
    expect(after).toEqual(before)
    await expect(salvage({ keys, path, folder })).rejects.toMatchObject({ code: 'IO' })

    const { previous } = await restoreDatabase({ ...options, path, from: report.recovered.path })
    expect(await countMessages(path)).toBe(left.ids.length)
    expect(existsSync(`${previous}-wal`)).toBe(true)
  })

  test('salvage: a page whose newest version is damaged is named, and the rest is there', async () => {
    const [, number = 0] = newestFrames(left).find(([, frame]) => frame <= lastOf(left, 2)) ?? []
    const path = copyOf(left, (log) => inFrame(number, 500)(log))
    const report = await salvage({ keys, path, folder: join(temporaryFolder(), 'saved') })
    expect(report.lost_pages).toEqual([left.log.readUInt32BE(32 + (number - 1) * FRAME)])
    expect(await countMessages(report.before.path)).toBeLessThan(left.ids.length)
    expect(existsSync(report.recovered.path)).toBe(true)
  })

  test('a program that read the log before it was damaged is not disturbed', async () => {
    const path = copyOf(left)
    const child = spawn(process.execPath, ['-e', READER, path, RAW_KEY], { cwd: packageRoot() })
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve))
      const log = Buffer.from(left.log)
      inFrame(broken(), 500)(log)
      writeFileSync(`${path}-wal`, log)
      expect((await diagnose(path, keys)).cause).toBe('ok')
    } finally {
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('close', resolve))
    }
    expect((await diagnose(path, keys)).cause).toBe('damaged')
  })
})

test('import reports what the damaged -wal of a source keeps from it', async () => {
  const source = join(temporaryFolder(), 'app.db')
  const app = await new Promise<sqlcipher.Database>((resolve) => {
    const opened = new sqlcipher.Database(join(temporaryFolder(), 'app.db'), () => resolve(opened))
  })
  const exec = (sql: string) =>
    new Promise<void>((resolve, reject) => app.exec(sql, (error) => (error ? reject(error) : resolve())))
  await exec(`PRAGMA journal_mode = WAL;
    CREATE TABLE chats (id TEXT PRIMARY KEY, title TEXT, created_at TEXT);
    CREATE TABLE messages (id INTEGER PRIMARY KEY, chat_id TEXT, role TEXT, content TEXT, model_name TEXT, stream INTEGER, created_at TEXT);
    INSERT INTO chats VALUES ('a', 'Bread', '2025-01-01 10:00:00');`)
  await exec("INSERT INTO messages VALUES (1, 'a', 'user', 'one', NULL, 0, '2025-01-01 10:00:00')")
  await exec("INSERT INTO messages VALUES (2, 'a', 'user', 'two', NULL, 0, '2025-01-01 10:00:01')")
  await exec("INSERT INTO messages VALUES (3, 'a', 'user', 'three', NULL, 0, '2025-01-01 10:00:02')")
  const filename = (app as unknown as { filename: string }).filename
  for (const suffix of ['', '-wal']) copyFileSync(filename + suffix, source + suffix)
  await new Promise((resolve) => app.close(resolve))
  const log = readFileSync(`${source}-wal`)
  inFrame((log.length - 32) / FRAME - 1, 2000)(log)
  writeFileSync(`${source}-wal`, log)

  const refused: unknown[] = []
  await withDatabase({ path: await makeDatabase(), keys, access: 'write' }, (db) =>
    importChats(db, {
      path: source,
      from: 'auto',
      onConflict: 'skip',
      branches: 'active',
      include: new Set(),
      timeZone: 'UTC',
      dryRun: false,
      now: () => new Date(),
      onRefused: async (item) => {
        refused.push(item)
      },
    }),
  )
  expect(refused).toEqual([
    expect.objectContaining({ reason: expect.stringMatching(/-wal of .* is damaged in frame/) }),
  ])
})

const READER = `
const { Database } = require('@journeyapps/sqlcipher')
const [path, key] = process.argv.slice(1)
const db = new Database(path, () => db.exec('PRAGMA key = "' + key + '"', () =>
  db.get('SELECT count(*) FROM chat_messages', () => { process.stdout.write('open'); setInterval(() => {}, 1000) })))`

function keptIn(path: string): string {
  const kept = readdirSync(join(path, '..')).find((name) => name.startsWith(`${basename(path)}-wal.damaged-`))
  if (!kept) throw new Error('no copy of the -wal was kept')
  return kept
}

/** Pages and the frame that holds their newest version. */
function newestFrames({ log }: Left): [page: number, frame: number][] {
  const newest = new Map<number, number>()
  for (let number = 1; number <= (log.length - 32) / FRAME; number++) {
    newest.set(log.readUInt32BE(32 + (number - 1) * FRAME), number)
  }
  return [...newest]
}
