import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { countMessages, databaseWithChats, json, query } from '../helpers/chats.ts'
import { durable, keyFile, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { errorOf, finished, run, start } from '../helpers/run.ts'
import { onTerminal, testOnTerminal } from '../helpers/terminal.ts'

/** Some 60 MB, so that copying and checking take long enough to be seen and stopped. */
async function largeDatabase() {
  const made = await databaseWithChats()
  await query(
    made.words,
    `INSERT INTO chat_messages (id, session_id, role, content)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
     SELECT 'x' || i, 's', 'user', hex(zeroblob(9000)) FROM n`,
  )
  return made
}

const OPERATIONS: Record<string, (made: Awaited<ReturnType<typeof largeDatabase>>) => string[]> = {
  backup: ({ words }) => ['backup', ...words],
  rekey: ({ words }) => ['rekey', '--new-key-file', keyFile('new'), ...words],
}

testOnTerminal('a bar shows on a terminal how far a long operation is, and goes away', async () => {
  const { words } = await largeDatabase()
  const { code, screen } = await onTerminal(['backup', ...words], [])
  expect(code).toBe(0)
  // What is done within a moment shows no bar, and on a fast machine the copying is.
  expect(screen).toMatch(/(copying|checking) +[█░]+ +\d+ %/)
  expect(screen.slice(screen.lastIndexOf('%'))).toContain('\x1b[K')
  const piped = await run(['backup', ...words])
  expect(piped.stdout + piped.stderr).not.toMatch(/[%█░]/)
})

test.each(Object.entries(OPERATIONS))(
  'Ctrl-C in the middle of %s leaves the state before and is exit 130',
  async (_name, wordsOf) => {
    const made = await largeDatabase()
    const before = durable(made.folder)
    for (const milliseconds of [250, 450, 700]) {
      const child = start([...wordsOf(made), '--json'])
      const result = finished(child)
      setTimeout(() => child.kill('SIGINT'), milliseconds)
      const { code, stdout } = await result
      expect([code, stdout]).toEqual([130, ''])
      mkdirSync(join(made.folder, 'backups'), { recursive: true, mode: 0o700 })
      expect(durable(made.folder)).toEqual({ backups: '40700 ', ...before })
    }
    expect(await countMessages(made.words)).toBe(3010)
  },
  60_000,
)

const asRoot = process.getuid?.() === 0
const small = join(temporaryFolder(), 'disk')
mkdirSync(small)
const mounted = asRoot && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small]).status === 0
const testOnSmallDisk = mounted ? test : test.skip

testOnSmallDisk(
  `on a disk of 4 MB that fills, nothing is half-written${mounted ? '' : ' (needs root, to mount one)'}`,
  async () => {
    try {
      await fillTheDisk()
    } finally {
      spawnSync('umount', [small])
    }
  },
)

async function fillTheDisk(): Promise<void> {
  const { db: made, key } = await databaseWithChats()
  await query(
    ['--db', made, '--key-file', key],
    `INSERT INTO chat_messages (id, session_id, role, content)
       WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
       SELECT 'x' || i, 's', 'user', hex(zeroblob(9000)) FROM n`,
  )
  const db = join(small, 'c.db')
  copyFileSync(made, db)
  const words = ['--db', db, '--key-file', key]
  const before = snapshot(small)
  for (const command of [
    ['backup'],
    ['rekey', '--new-key-file', keyFile('new')],
    ['migrate', 'down', '--to', '1'],
  ]) {
    expect(errorOf(await run([...command, ...words, '--json'])).exit).toBe(18)
    const left = Object.fromEntries(Object.entries(durable(small)).filter(([name]) => name !== 'backups'))
    expect(left).toEqual(before)
  }
  expect(readdirSync(join(small, 'backups'))).toEqual([])
  expect(await countMessages(words)).toBe(130)
  expect((await run(['health', ...words])).code).toBe(0)
  await json(['backup', '--dir', temporaryFolder(), ...words])
  const long = join(temporaryFolder(), 'long.jsonl')
  await json(['export', '--out', long, ...words])
  const many = Array.from({ length: 12 }, (_, copy) =>
    readFileSync(long, 'utf8').replaceAll(/"(id|session_id)":"/g, `"$1":"${copy}-`),
  )
  writeFileSync(long, many.join(''))
  expect(errorOf(await run(['import', long, ...words, '--json'])).exit).toBe(18)
  expect((await run(['health', ...words])).code).toBe(0)
  expect(await countMessages(words)).toBeGreaterThanOrEqual(130)
}
