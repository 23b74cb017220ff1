import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { OUTCOMES } from '../../src/core/errors.ts'
import { fixture, keyFile, newDatabase, temporaryFolder } from '../helpers/folder.ts'
import { NEXT_MIGRATION, nextMigration, programWithMigrations } from '../helpers/program.ts'
import { type RunOptions, run } from '../helpers/run.ts'

const inNewDatabase = async (...words: string[]) => [...words, ...(await newDatabase()).words]
const sample = async (name: string, key?: string) => [
  'stats',
  '--db',
  fixture(name),
  '--key-file',
  keyFile(key),
]

/**
 * Every row of the table that can occur here, made to occur. Those that need a person or a signal have tests
 * of their own.
 */
const OCCURRENCES: Record<string, () => Promise<[words: string[], options?: RunOptions]>> = {
  OK: async () => [await inNewDatabase('stats')],
  FAILURE: async () => {
    const program = programWithMigrations({})
    rmSync(join(program, '..', '..', '..', 'node_modules')) // a broken installation: no engine
    return [await sample('phase21-passphrase.sqlcipher4.db'), { program }]
  },
  USAGE: async () => [['stats', '--nonsense']],
  CHECK_FAILED: async () => [['verify-schema', ...(await sample('drifted.sqlcipher4.db')).slice(1)]],
  PENDING: async () => {
    const words = await inNewDatabase('migrate', 'status', '--exit-code')
    return [words, { program: programWithMigrations(NEXT_MIGRATION) }]
  },
  NOT_FOUND: async () => [await inNewDatabase('session', 'get', 'nothing-like-it')],
  INVALID: async () => [['agent', 'create', '--name', 'Ada', '--model', 'm', '--temperature', '9']],
  NO_DATABASE: async () => [['stats', '--db', join(temporaryFolder(), 'none.db')]],
  WRONG_KEY: async () => [await sample('phase21-passphrase.sqlcipher4.db', 'wrong')],
  KEY_SOURCE: async () => [
    ['stats', '--db', fixture('phase21-passphrase.sqlcipher4.db'), '--key-file', '/none'],
  ],
  NOT_ENCRYPTED: async () => [await sample('app-v14-plaintext.db')],
  CORRUPT: async () => [await sample('damaged-page1.db')],
  MIGRATION_FAILED: async () => {
    const program = programWithMigrations(nextMigration('NONSENSE;', 'SELECT 1;'))
    return [await inNewDatabase('migrate'), { program }]
  },
  IO: async () => [['init', '--db', '/dev/null/a.db', '--key-command', 'echo k']],
}

test.each(Object.entries(OCCURRENCES))('%s occurs with its exit code', async (code, occur) => {
  const [words, options] = await occur()
  const result = await run(words, options)
  expect(result.code).toBe(OUTCOMES.find((outcome) => outcome.code === code)?.exit)
})

/** Tested where they belong: locks in bad-input, the person's no in terminal, signals in signals. */
const ELSEWHERE = ['LOCKED', 'DECLINED', 'SIGINT', 'SIGTERM']

test('no row of the table is forgotten', () => {
  expect([...Object.keys(OCCURRENCES), ...ELSEWHERE].sort()).toEqual(OUTCOMES.map(({ code }) => code).sort())
})
