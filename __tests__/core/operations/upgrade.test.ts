import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import sqlcipher from '@journeyapps/sqlcipher'
import { inspectFile } from '../../../src/core/copy/inspect.ts'
import { withDatabase } from '../../../src/core/database/database.ts'
import { Key } from '../../../src/core/keys/key.ts'
import { encryptDatabase } from '../../../src/core/operations/encrypt.ts'
import { rekeyDatabase } from '../../../src/core/operations/rekey.ts'
import { upgradeDatabase } from '../../../src/core/operations/upgrade.ts'
import { keys, RAW_KEY } from '../../helpers/database.ts'
import { snapshot, temporaryFolder } from '../../helpers/folder.ts'

const inspect = (request: Parameters<typeof inspectFile>[0]) => inspectFile(request)

/** What a schema can hold that is easily lost by copying row by row. */
const TRAPS = `PRAGMA auto_vacuum = 2; PRAGMA user_version = 7; PRAGMA application_id = 99;
  CREATE TABLE notes (title TEXT, n INT CHECK (n < 5), UNIQUE (title));
  INSERT INTO notes (rowid, title, n) VALUES (2, 'bread', 1), (77, 'wine', 2), (-5, 'below', 3);
  CREATE VIRTUAL TABLE found USING fts5 (title, content = 'notes');
  CREATE TABLE log (what);
  CREATE TRIGGER logged AFTER INSERT ON notes BEGIN INSERT INTO log VALUES ('fired'); END;
  PRAGMA ignore_check_constraints = ON; INSERT INTO notes (title, n) VALUES ('against the rule', 9);
  PRAGMA ignore_check_constraints = OFF;
  DELETE FROM log; INSERT INTO found (found) VALUES ('rebuild'); CREATE VIEW broken AS SELECT * FROM nowhere;
  CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO counted VALUES (41); DELETE FROM counted;
  CREATE TABLE pairs (a, b, PRIMARY KEY (b, a)) WITHOUT ROWID; INSERT INTO pairs VALUES (1, 2);
  CREATE TABLE made (a INT, b INT AS (a * 2) STORED, c INT AS (a + 1)); INSERT INTO made (a) VALUES (4);
  CREATE TABLE hidden (rowid TEXT, _rowid_ TEXT, oid TEXT); INSERT INTO hidden VALUES ('b', 'c', 'd'), ('a', 'b', 'c');
  CREATE TABLE "odd ""name" (rowid, "select"); INSERT INTO "odd ""name" (oid, "select") VALUES (500, 's');
  CREATE TABLE far (x); INSERT INTO far (rowid, x)
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT 9223372036854775000 + i, i FROM n;
  CREATE TABLE parent (id TEXT PRIMARY KEY); CREATE TABLE child (p REFERENCES parent); INSERT INTO child VALUES ('none');
  CREATE INDEX partly ON notes (title) WHERE n > 1; CREATE UNIQUE INDEX lowered ON notes (lower(title));
  CREATE VIRTUAL TABLE boxes USING rtree (id, x0, x1); INSERT INTO boxes VALUES (5, 1, 2); ANALYZE;`

/** What another program wrote: in an old format of SQLCipher, or as plaintext. */
async function written(script: string, format?: 1 | 2 | 3): Promise<string> {
  const path = join(temporaryFolder(), 'database.db')
  const keying = format ? `PRAGMA key = "${RAW_KEY}"; PRAGMA cipher_compatibility = ${format};` : ''
  await new Promise<void>((resolve, reject) => {
    const db = new sqlcipher.Database(path)
    db.exec(keying + script, (error) => db.close(() => (error ? reject(error) : resolve())))
  })
  return path
}

async function expectAllThere(path: string, opening = keys): Promise<void> {
  await withDatabase({ path, keys: opening, access: 'write' }, (db) =>
    db.exclusively(async (writer) => {
      const get = (sql: string) => writer.get(sql)
      expect(await get("SELECT rowid, title FROM found WHERE found MATCH 'wine'")).toEqual({
        rowid: 77,
        title: 'wine',
      })
      await writer.run("INSERT INTO found (found, rank) VALUES ('integrity-check', 1)")
      expect(await get('PRAGMA auto_vacuum')).toEqual({ auto_vacuum: 2 })
      expect(await get('PRAGMA user_version')).toEqual({ user_version: 7 })
      expect(await get('PRAGMA application_id')).toEqual({ application_id: 99 })
      expect(await get('SELECT min(rowid) AS n FROM notes')).toEqual({ n: -5 })
      expect(await get('SELECT count(*) AS n FROM log')).toEqual({ n: 0 })
      expect(await get('INSERT INTO counted DEFAULT VALUES RETURNING id')).toEqual({ id: 42 })
      expect(await get('SELECT * FROM made')).toEqual({ a: 4, b: 8, c: 5 })
      expect(await get('SELECT count(*) AS n FROM far WHERE rowid >= 9223372036854775000')).toEqual({
        n: 201,
      })
      expect(await get('SELECT x1 FROM boxes WHERE id = 5')).toEqual({ x1: 2 })
      await writer.run("INSERT INTO notes (title, n) VALUES ('new', 1)")
      expect(await get('SELECT count(*) AS n FROM log')).toEqual({ n: 1 })
    }),
  )
}

test.each([3, 2, 1] as const)(
  'upgrade from SQLCipher %i keeps row numbers, settings, sequences and every kind of table; no trigger fires',
  async (format) => {
    const path = await written(TRAPS, format)
    expect(await upgradeDatabase({ path, keys, inspect })).toMatchObject({ changed: true })
    await expectAllThere(path)
  },
)

test('encrypt and rekey keep row numbers and settings', async () => {
  const path = await written(TRAPS)
  await encryptDatabase({ path, inspect, newKey: { read: async () => new Key(RAW_KEY) } })
  const next = new Key(`x'${'c3'.repeat(32)}'`)
  await rekeyDatabase({ path, keys, inspect, newKey: { read: async () => next } })
  await expectAllThere(path, async () => [next])
})

test('a copy that numbers its rows differently is thrown away', async () => {
  const path = await written(TRAPS, 3)
  const before = snapshot(dirname(path))
  const renumbering: typeof inspect = async (request) => {
    const found = await inspect(request)
    return { ...found, content: { ...found.content, row_numbers: 'others' } }
  }
  await expect(upgradeDatabase({ path, keys, inspect: renumbering })).rejects.toMatchObject({
    code: 'CHECK_FAILED',
    message: expect.stringContaining('row numbers'),
  })
  expect(snapshot(dirname(path))).toEqual(before)
})

test('a row that breaks NOT NULL is named, and nothing is touched', async () => {
  const path = await written(
    `CREATE TABLE t (a TEXT); INSERT INTO t VALUES (NULL); PRAGMA writable_schema = ON;
     UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a TEXT NOT NULL)' WHERE name = 't'`,
    3,
  )
  await expect(upgradeDatabase({ path, keys, inspect })).rejects.toMatchObject({
    code: 'CHECK_FAILED',
    message: expect.stringContaining('NOT NULL'),
  })
  expect(readdirSync(dirname(path))).toEqual(['database.db'])
})
