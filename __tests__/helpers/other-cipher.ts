import { join } from 'node:path'
import sqlcipher from '@journeyapps/sqlcipher'
import { temporaryFolder } from './folder.ts'

const ROWS = "CREATE TABLE t (a); INSERT INTO t VALUES (randomblob(9000)), ('bread')"

/** A database that another program wrote with these pragmas; `meanwhile` sees it while it is open. */
export async function databaseOfOther(
  pragmas: string,
  { key = 'secret', meanwhile = () => {} }: { key?: string; meanwhile?: (path: string) => void } = {},
): Promise<string> {
  const path = join(temporaryFolder(), 'other.db')
  await new Promise<void>((resolve, reject) => {
    const db = new sqlcipher.Database(path)
    const keying = key === '' ? '' : `PRAGMA key = "${key}";`
    db.exec(`${keying} ${pragmas}; ${ROWS}`, (error) => {
      if (!error) meanwhile(path)
      db.close(() => (error ? reject(error) : resolve()))
    })
  })
  return path
}
