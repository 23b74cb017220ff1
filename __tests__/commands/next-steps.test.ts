import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/package-root.ts'
import { makeDatabase, RAW_KEY } from '../helpers/database.ts'
import { keyFile, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { cleanEnvironment, PROGRAM, run } from '../helpers/run.ts'

/** Runs a command line of a message as a shell does, in a folder; its exit code. */
function typed(line: string, cwd: string, env: Record<string, string> = {}): number | null {
  const command = line.replace(/(^|&& )libreollama-db /, `$1"${process.execPath}" "${PROGRAM}" `)
  const { status, stderr } = spawnSync('/bin/sh', ['-c', command], { cwd, env: cleanEnvironment(env) })
  if (status !== 0) throw new Error(`${line}: ${stderr}`)
  return status
}

const nextOf = (stderr: string) => /^next: (.*)$/m.exec(stderr)?.[1] ?? ''

test.each([
  ['init', (): string[] => []],
  [
    'encrypt',
    (folder: string): string[] => {
      copyFileSync(
        join(packageRoot(), '__tests__', 'fixtures', 'phase21-v1-plaintext.db'),
        join(folder, 'plain.db'),
      )
      return ['--from', 'plain.db']
    },
  ],
])('what %s says comes next works as typed, from the same folder', async (command, prepare) => {
  const folder = join(temporaryFolder(), "it's here")
  mkdirSync(folder)
  const more = prepare(folder)
  const words = [command, ...more, '--db', 'my chats.db', '--key-file', './a key', '--generate-key']
  const { code, stderr } = await run(words, { cwd: folder })
  expect(code).toBe(0)
  expect(nextOf(stderr)).toContain("--db 'my chats.db'")
  expect(typed(nextOf(stderr), folder)).toBe(0)
})

test('after rekey the next command names the new key, also beside a variable with the old one', async () => {
  const db = await makeDatabase()
  const folder = join(db, '..')
  for (const [number, env] of [
    [1, { LIBREOLLAMA_DB_KEY: RAW_KEY }],
    [2, { LIBREOLLAMA_DB_KEY_FILE: join(folder, 'key 1'), LIBREOLLAMA_DB: db }],
  ] as const) {
    const named = 'LIBREOLLAMA_DB' in env ? [] : ['--db', db]
    const words = ['rekey', ...named, '--new-key-file', join(folder, `key ${number}`), '--generate-key']
    const { code, stderr } = await runHere(words, { env })
    expect(code).toBe(0)
    expect(typed(nextOf(stderr), folder, env)).toBe(0)
  }
})

test('how to undo a restore carries the options of the run', async () => {
  const folder = join(temporaryFolder(), 'two words')
  mkdirSync(folder)
  copyFileSync(await makeDatabase(), join(folder, 'a b.db'))
  const words = ['--db', join(folder, 'a b.db'), '--key-file', keyFile(RAW_KEY)]
  expect((await runHere(['backup', ...words])).code).toBe(0)
  const { stdout } = await runHere(['restore', 'latest', ...words])
  const [, undo = ''] = /^to undo: (.*)$/m.exec(stdout) ?? []
  expect(typed(undo, folder)).toBe(0)
})
