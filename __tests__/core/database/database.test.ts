import { readdirSync, statSync, utimesSync } from 'node:fs'
import { dirname } from 'node:path'
import { withDatabase } from '../../../src/core/database/database.ts'
import { Key } from '../../../src/core/keys/key.ts'
import { queryBuilder } from '../../../src/core/records/tables.ts'
import { keys, makeDatabase, withTestDatabase } from '../../helpers/database.ts'
import { snapshot } from '../../helpers/folder.ts'

const insert = "INSERT INTO settings (key, value) VALUES (?, 'x')"
const countSettings = 'SELECT count(*) AS n FROM settings'

test('a transaction that throws leaves nothing behind', () =>
  withTestDatabase(async (db) => {
    const work = db.transaction(async (writer) => {
      await writer.run(insert, ['half'])
      throw new Error('stop')
    })
    await expect(work).rejects.toThrow('stop')
    expect(await db.read((reader) => reader.get(countSettings))).toEqual({ n: 6 })
  }))

test('transactions of concurrent callers do not mix', () =>
  withTestDatabase(async (db) => {
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        db.transaction(async (writer) => {
          await writer.run(insert, [`a${index}`])
          await writer.run(insert, [`b${index}`])
          if (index % 2) throw new Error('every other one fails')
        }),
      ),
    )
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(10)
    expect(await db.read((reader) => reader.get(countSettings))).toEqual({ n: 6 + 20 })
  }))

test('readers see the state before a transaction until it is committed', () =>
  withTestDatabase((db) =>
    db.transaction(async (writer) => {
      await writer.run(insert, ['new'])
      const counts = await Promise.all([1, 2, 3].map(() => db.read((reader) => reader.get(countSettings))))
      expect(counts).toEqual([{ n: 6 }, { n: 6 }, { n: 6 }])
    }),
  ))

test('readers cannot write', () =>
  withTestDatabase(async (db) => {
    await expect(db.read((reader) => reader.run(insert, ['x']))).rejects.toMatchObject({ code: 'IO' })
  }))

test('a second opening in the same process keeps the locks of the first', async () => {
  const path = await makeDatabase()
  await withDatabase({ path, keys, access: 'write' }, (first) =>
    first.transaction(async (writer) => {
      await writer.run(insert, ['mine'])
      await withDatabase({ path, keys }, (second) => second.read((reader) => reader.get(countSettings)))
      // Were the locks gone, a second writer would get in here.
      const intruder = withDatabase({ path, keys, access: 'write', lockTimeout: 0.2 }, (second) =>
        second.transaction((other) => other.run(insert, ['theirs'])),
      )
      await expect(intruder).rejects.toMatchObject({ code: 'LOCKED' })
    }),
  )
  const count = await withDatabase({ path, keys }, (db) => db.read((reader) => reader.get(countSettings)))
  expect(count).toEqual({ n: 7 })
})

test.each([
  ['half a surrogate pair', '\ud800'],
  ['a big integer', 2n ** 60n],
  ['an integer that a double cannot hold', 2 ** 60],
  ['NaN', Number.NaN],
  ['an object', {}],
  ['an array', ['a']],
  ['undefined', undefined],
])('%s is refused as a parameter instead of being stored as something else', (_case, value) =>
  withTestDatabase(async (db) => {
    const work = db.transaction((writer) => writer.run(insert, [value as string]))
    await expect(work).rejects.toMatchObject({ name: 'AppError', code: 'INVALID' })
  }),
)

test.each([
  ['emoji and right-to-left text', '👩‍👩‍👧 שלום'],
  ['a NUL in the middle', 'a\0b'],
  ['quotes and SQL', `'); DROP TABLE settings; --"`],
])('%s comes back as it was', (_case, value) =>
  withTestDatabase(async (db) => {
    await db.transaction((writer) => writer.run(insert, [value]))
    const rows = await db.read((reader) => reader.all('SELECT key FROM settings WHERE key = ?', [value]))
    expect(rows).toEqual([{ key: value }])
  }),
)

test('a constraint that refuses is INVALID and names the column', () =>
  withTestDatabase(async (db) => {
    const work = db.transaction((writer) => writer.run(insert, ['theme']))
    await expect(work).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('settings.key'),
    })
  }))

test('foreign keys are enforced', () =>
  withTestDatabase(async (db) => {
    const orphan =
      "INSERT INTO chat_messages (id, session_id, role, content) VALUES ('m', 'nowhere', 'user', 'x')"
    await expect(db.transaction((writer) => writer.run(orphan))).rejects.toMatchObject({ code: 'INVALID' })
  }))

test('reading leaves the file, and what is beside it, as it was', async () => {
  const path = await makeDatabase()
  const before = snapshot(dirname(path))
  await withDatabase({ path, keys }, (db) => db.read((reader) => reader.get(countSettings)))
  expect(snapshot(dirname(path))).toEqual(before)
})

test('a file that is read without locks and written meanwhile is not called read', async () => {
  const path = await makeDatabase()
  const reading = (work: () => void) =>
    withDatabase({ path, keys, copying: true }, async (db) => {
      await db.read((reader) => reader.get(countSettings))
      work()
    })
  await expect(reading(() => utimesSync(path, 0, 0))).rejects.toMatchObject({ code: 'LOCKED' })
  await reading(() => {})
})

test('the -wal of a program that has the database open is left alone by readers', async () => {
  const path = await makeDatabase()
  await withDatabase({ path, keys, access: 'write' }, async (db) => {
    await db.transaction((writer) => writer.run(insert, ['waiting']))
    const before = statSync(`${path}-wal`).size
    expect(before).toBeGreaterThan(0)
    const count = await withDatabase({ path, keys }, (other) =>
      other.read((reader) => reader.get(countSettings)),
    )
    expect(count).toEqual({ n: 7 })
    expect(statSync(`${path}-wal`).size).toBe(before)
  })
  expect(readdirSync(dirname(path))).toEqual(['database.db'])
})

test('an abort interrupts what is running, with its reason', async () => {
  const path = await makeDatabase()
  const controller = new AbortController()
  const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'
  const work = withDatabase({ path, keys, signal: controller.signal }, (db) =>
    db.read((reader) => reader.get(endless)),
  )
  setTimeout(() => controller.abort(new Error('enough')), 100)
  await expect(work).rejects.toThrow('enough')
})

test('the error of keying never shows the key', async () => {
  const path = await makeDatabase()
  const wrong = withDatabase({ path, keys: async () => [new Key('canary-4711')] }, async () => {})
  const error = await wrong.catch((thrown) => thrown)
  expect(error).toMatchObject({ code: 'WRONG_KEY' })
  expect(`${error.stack} ${JSON.stringify(error)} ${error.cause}`).not.toContain('canary')
})

test('typed queries run on a lent connection', () =>
  withTestDatabase(async (db) => {
    const updated = await db.transaction((writer) =>
      queryBuilder(writer)
        .updateTable('settings')
        .set({ value: 'dark' })
        .where('key', '=', 'theme')
        .executeTakeFirst(),
    )
    expect(updated.numUpdatedRows).toBe(1n)
    const row = await db.read((reader) =>
      queryBuilder(reader)
        .selectFrom('settings')
        .select('value')
        .where('key', '=', 'theme')
        .executeTakeFirst(),
    )
    expect(row).toEqual({ value: 'dark' })
  }))

test('a statement that stays prepared sees what was written since, fails alone, and holds no lock', () =>
  withTestDatabase((db) =>
    db.exclusively(async (writer) => {
      const read = () =>
        writer.repeat<{ n: number }>(`SELECT count(*) AS n FROM settings WHERE key > ?`, [''])
      expect(await read()).toEqual([{ n: 6 }])
      await writer.run(insert, ['new'])
      expect(await Promise.all([read(), read()])).toEqual([[{ n: 7 }], [{ n: 7 }]])
      await writer.exec('ALTER TABLE settings RENAME TO elsewhere')
      await expect(read()).rejects.toThrow('no such table')
      await writer.exec('ALTER TABLE elsewhere RENAME TO settings')
      expect(await read()).toEqual([{ n: 7 }])
      const missing = () => writer.repeat('SELECT 1 FROM later')
      await expect(missing()).rejects.toThrow('no such table')
      await writer.exec('CREATE TABLE later (a)')
      expect(await missing()).toEqual([])
      await writer.exec('VACUUM')
    }),
  ))
