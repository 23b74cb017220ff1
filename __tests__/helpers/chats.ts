import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { packageRoot } from '../../src/package-root.ts'
import { newDatabase } from './folder.ts'
import { run } from './run.ts'

export const DRIVER = join(packageRoot(), 'node_modules', '@journeyapps', 'sqlcipher')

/** A new database with a few chats in it. */
export async function databaseWithChats() {
  const made = await newDatabase()
  const sql = `INSERT INTO chat_messages (id, session_id, role, content) SELECT 'm' || value, 's', 'user', 'word' || value
    FROM json_each('[1,2,3,4,5,6,7,8,9]')`
  await query(made.words, "INSERT INTO chat_sessions (id, title) VALUES ('s', 'bread')")
  await query(made.words, sql)
  return made
}

/** Runs one statement through the program; its result is what `--json` prints. */
export async function query(words: string[], sql: string): Promise<unknown> {
  return json(['query', sql, '--write', ...words])
}

/** Runs the program with --json; what it prints, after making sure that it worked. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks at the fields that it expects
export async function json(words: string[], env: Record<string, string> = {}): Promise<any> {
  const { code, stdout, stderr } = await run([...words, '--json'], { env })
  if (code !== 0 && stdout === '') throw new Error(`${words.join(' ')} failed with ${code}: ${stderr}`)
  return JSON.parse(stdout)
}

/** How many messages there are. */
export async function countMessages(words: string[]): Promise<number> {
  return (await json(['stats', ...words])).total_messages
}

/** What the other program runs: a statement a line from its input, the answer a line to its output. */
const OTHER = `
  const [driver, path, key] = process.argv.slice(1)
  const sqlcipher = require(driver)
  const handle = new sqlcipher.Database(path, sqlcipher.OPEN_READWRITE)
  handle.exec('PRAGMA cipher_log_level = NONE; PRAGMA key = "' + require('fs').readFileSync(key, 'utf8').trim() + '"')
  require('readline').createInterface({ input: process.stdin }).on('line', (sql) =>
    handle.all(JSON.parse(sql), (error, rows) => console.log(JSON.stringify(error ? { error: error.message } : { rows }))),
  )`

/**
 * Another program that has the database open: the driver itself, in a process of its own. The key is a raw
 * one.
 */
export async function otherProgram(path: string, keyFile: string) {
  const child = spawn(process.execPath, ['-e', OTHER, DRIVER, path, keyFile])
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise((resolve) => child.once('close', resolve))
  return {
    call: async (sql: string): Promise<Record<string, unknown>[]> => {
      child.stdin.write(`${JSON.stringify(sql)}\n`)
      const { value } = await answers.next()
      const { error, rows } = JSON.parse(value)
      if (error) throw new Error(error)
      return rows
    },
    close: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
