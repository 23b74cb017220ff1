import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sayHint } from '../../src/cli/hints.ts'
import type { Advice } from '../../src/core/advice.ts'
import { hintWords } from '../../src/core/advice.ts'
import { json } from '../helpers/chats.ts'
import { newDatabase, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { errorOf } from '../helpers/run.ts'
import { tryHints } from '../helpers/try-hints.ts'

const made = newDatabase().then(async ({ db, key, words }) => {
  const { id } = await json(['session', 'create', '--title', 'Bread', ...words])
  const { path: backup } = await json(['backup', ...words])
  return { db, key, words, id: String(id), backup: String(backup) }
})

/** One of each kind of step, so that a new kind cannot be forgotten here. */
const steps = ({
  db,
  id,
  backup,
}: Awaited<typeof made>): { [Step in Advice['step']]: Advice & { step: Step } } => ({
  add_tables: { step: 'add_tables' },
  allow_write: { step: 'allow_write' },
  check_health: { step: 'check_health', about: 'check it' },
  check_path: { step: 'check_path', path: db },
  choose_path: { step: 'choose_path', role: 'backup_folder' },
  compare_schema: { step: 'compare_schema' },
  create_record: { step: 'create_record', entity: 'session' },
  diagnose: { step: 'diagnose', path: db, about: 'see why' },
  encrypt: { step: 'encrypt', from: `${db}.plain` },
  explain_fields: { step: 'explain_fields', entity: 'agent' },
  explain_keys: { step: 'explain_keys' },
  explain_query: { step: 'explain_query' },
  find_formats: { step: 'find_formats', formats: ['llm', 'ollama'] },
  generate_key: { step: 'generate_key' },
  get_record: { step: 'get_record', entity: 'session', id },
  give_value: { step: 'give_value', option: 'title', example: "it's" },
  list_backups: { step: 'list_backups', all: true },
  list_records: { step: 'list_records', entity: 'session' },
  make_database: { step: 'make_database' },
  migrate: { step: 'migrate', direction: 'down', to: 1 },
  migration_status: { step: 'migration_status' },
  name_key: { step: 'name_key' },
  name_source_key: { step: 'name_source_key' },
  open_database: { step: 'open_database', about: 'open it' },
  query_example: { step: 'query_example', sql: "SELECT 'it''s; so'", about: 'for example' },
  rebuild_index: { step: 'rebuild_index', about: 'make it again' },
  rehearse: { step: 'rehearse' },
  replace_other: { step: 'replace_other' },
  restore_backup: { step: 'restore_backup', backup },
  restore_latest: { step: 'restore_latest', path: db },
  salvage: { step: 'salvage', path: db, to: `${db}-salvaged` },
  search_example: { step: 'search_example' },
  search_words: { step: 'search_words' },
  store_key: { step: 'store_key' },
  upgrade: { step: 'upgrade', path: db },
  use_keychain: { step: 'use_keychain' },
  verify_backups: { step: 'verify_backups' },
  wait_longer: { step: 'wait_longer' },
})

/** Their commands need a file that is not healthy, or a keychain; other tests meet them. */
const NEEDS_MORE: Advice['step'][] = ['encrypt', 'salvage', 'upgrade', 'use_keychain', 'migrate']

test('each step has words, and its commands work for a database that is healthy', async () => {
  const situation = await made
  const { db, key, words } = situation
  const run = {
    argv: ['stats', ...words],
    command: 'stats',
    options: { db, keyFile: key },
    path: db,
    env: {},
    backupOf: async () => 'current' as const,
  }
  for (const advice of Object.values(steps(situation))) {
    const hint = await sayHint(advice, run)
    expect(hint).not.toMatch(/undefined|\[object/)
    expect(hintWords(advice)).not.toMatch(/--|libreollama-db/)
    if (advice.step !== 'generate_key') expect(hint).not.toBe('')
    if (NEEDS_MORE.includes(advice.step)) continue
    const [, command = ''] = /(libreollama-db .*)$/.exec(hint) ?? []
    if (command.includes(' --db ')) expect(command).toContain(`--db ${db} --key-file ${key}`)
    const result = { code: 1, stdout: '', stderr: JSON.stringify({ hint }) }
    await tryHints({ words: [`${advice.step}`, ...run.argv], result }, (again) => runHere(again))
  }
})

test.each<[string, (bad: string) => string[], string]>([
  ['backup --dir', (bad) => ['backup', '--dir', bad], 'given with --dir'],
  ['backup list --dir', (bad) => ['backup', 'list', '--dir', bad], 'given with --dir'],
  ['backup --dir=', (bad) => ['backup', `--dir=${bad}`], 'given with --dir'],
  ['rekey --new-key-file', (bad) => ['rekey', '--new-key-file', bad], 'given with --new-key-file'],
  ['restore', (bad) => ['restore', bad], 'check the path'],
  ['restore --to', (bad) => ['restore', 'latest', '--to', bad], 'given with --to'],
  ['key export --out', (bad) => ['key', 'export', '--paper', '--out', bad], 'given with --out'],
  ['export --out', (bad) => ['export', '--out', bad], 'given with --out'],
  ['import --reject-file', (bad) => ['import', '.', '--reject-file', bad], 'with --reject-file'],
  ['import', (bad) => ['import', bad], 'check the path'],
  ['encrypt --from', (bad) => ['encrypt', '--from', bad], 'given with --from'],
  [
    'message create --content-file',
    (bad) => ['message', 'create', '--session', 'x', '--role', 'user', '--content-file', bad],
    'with --content-file',
  ],
  ['diagnose', (bad) => ['diagnose', bad], 'check the path'],
])('a path that cannot be is named by its own option: %s', async (_name, wordsFor, named) => {
  const { words } = await made
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'file'), '')
  const result = await runHere([...wordsFor(join(folder, 'file', 'below')), ...words, '--json'])
  const hint = result.stdout ? JSON.parse(result.stdout).hint : errorOf(result).hint
  expect(hint).toContain(named)
  if (!named.startsWith('given with')) expect(hint).not.toContain('--db')
})

test.each(['init', 'stats'])('%s: a key file that cannot be is named by its option', async (command) => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'file'), '')
  const words = ['--db', command === 'init' ? join(folder, 'c.db') : (await made).db]
  const result = await runHere([command, ...words, '--key-file', join(folder, 'file', 'key'), '--json'])
  expect(errorOf(result).hint).toContain('--key-file')
  expect(errorOf(result).hint).not.toContain('--db')
})

test('the database is named by what named it: the option, the variable, or nothing', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'c.db'), 'notes')
  const hintOf = async (words: string[], env = {}) =>
    errorOf(await runHere(['stats', ...words, '--key-command', 'echo k', '--json'], { env })).hint
  expect(await hintOf(['--db', join(folder, 'c.db')])).toContain('check the path given with --db')
  expect(await hintOf([], { LIBREOLLAMA_DB: join(folder, 'c.db') })).toContain(
    'check the path in LIBREOLLAMA_DB',
  )
})
