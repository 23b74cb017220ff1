import { verifyBackup } from '../../src/core/backup/verify-backup.ts'
import { readContent } from '../../src/core/copy/content-hash.ts'
import { withMemoryDatabase } from '../../src/core/engine/connect.ts'
import { Key } from '../../src/core/keys/key.ts'
import { rekeyDatabase } from '../../src/core/operations/rekey.ts'
import { restoreDatabase } from '../../src/core/operations/restore.ts'
import { backupFrom, type Made, makeDatabaseAt, write } from '../helpers/backups.ts'
import { keyFile } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'

const columns = (count: number, name = 'c') => Array.from({ length: count }, (_, index) => `${name}${index}`)
/** As many columns as SQLite takes by default. */
const MOST = 2000

const TABLES: [situation: string, sql: string][] = [
  ['600 columns', `CREATE TABLE wide (${columns(600)}); INSERT INTO wide (c0, c599) VALUES (1, 'x')`],
  [
    '2,000 columns with long names',
    `CREATE TABLE wide (${columns(MOST, 'n'.repeat(60))}); INSERT INTO wide DEFAULT VALUES`,
  ],
  ['2,000 columns and no row', `CREATE TABLE wide (${columns(MOST)})`],
  [
    '2,000 columns and no row numbers',
    `CREATE TABLE wide (${columns(MOST)}, PRIMARY KEY (${columns(MOST)})) WITHOUT ROWID;
     INSERT INTO wide VALUES (${Array.from({ length: MOST }, (_, index) => index)})`,
  ],
  [
    '800 columns, half of them generated',
    `CREATE TABLE wide (${columns(400).map((name, index) => `${name}, g${index} AS (${name} || 'x')`)});
     INSERT INTO wide (c0) VALUES ('a')`,
  ],
  [
    'columns that take every name of the row number',
    'CREATE TABLE wide (rowid, _rowid_, oid); INSERT INTO wide VALUES (2, 0, 0), (1, 0, 0), (1.0, 0, 0), (NULL, NULL, NULL)',
  ],
]

async function made(sql: string): Promise<Made> {
  const database = await makeDatabaseAt('work.db')
  await write(database, sql)
  return database
}

test.each(TABLES)('backup, verification, restore and rekey with %s', async (_situation, sql) => {
  const database = await made(sql)
  const backup = await backupFrom(database, 0)
  expect(backup.problems).toEqual([])
  expect(await verifyBackup(backup.path, database)).toMatchObject({ status: 'ok' })
  await restoreDatabase({ ...database, from: backup.path })
  const newKey = { read: async () => new Key(`x'${'77'.repeat(32)}'`) }
  expect(await rekeyDatabase({ ...database, newKey })).toMatchObject({ path: database.path })
})

test('every command reads a database with a table of 2,000 columns', async () => {
  const database = await made(
    `CREATE TABLE wide (${columns(MOST)}); INSERT INTO wide (c0, c1999) VALUES (1, 'x')`,
  )
  const words = ['--db', database.path, '--key-file', keyFile(`x'${'5a'.repeat(32)}'`)]
  for (const line of ['stats', 'health', 'migrate status', 'backup list', 'verify-schema'])
    expect([line, (await runHere([...line.split(' '), ...words])).stderr]).toEqual([line, ''])
  for (const format of ['table', 'json', 'csv']) {
    const shown = await runHere(['query', 'SELECT * FROM wide', '-o', format, ...words], { terminal: true })
    expect([format, shown.code]).toEqual([format, 0])
  }
})

test('the hash of what an ordinary database holds is that of earlier releases', async () => {
  const { sha256 } = await withMemoryDatabase(async (connection) => {
    await connection.exec(`PRAGMA user_version = 7;
      CREATE TABLE values_of_all_kinds (a, b TEXT, "c d" REAL, PRIMARY KEY (a));
      INSERT INTO values_of_all_kinds VALUES (1, 'ü😀', 1.5), (NULL, '', 9e999), (x'00ff', 'a' || char(0), -0.1), ('1', NULL, 3);
      CREATE TABLE keyed (k TEXT, n INTEGER, PRIMARY KEY (k, n)) WITHOUT ROWID; INSERT INTO keyed VALUES ('b', 1), ('a', 2);
      CREATE TABLE made (a, b AS (a + 1) STORED, c AS (a || 'x')); INSERT INTO made (a) VALUES (1), (2)`)
    return readContent(connection)
  })
  expect(sha256).toBe('53dfca0ef31fa996400b56339bbde7190b9ebdd5b224cc629395530043427703')
})
