// The operations whose every power cut is tried: the state before, the command, and the required state
// afterwards.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withHandle } from './look.mjs'

export const KEYS = { one: '5a'.repeat(32), two: 'c3'.repeat(32) }
const WITHOUT_LINKS = ['-e', 'inject=link,linkat:error=EPERM']

/** Returns the key in a key file of a state; undefined when the file is missing or incomplete. */
export function keyIn(folder, file) {
  const path = join(folder, file)
  return existsSync(path) ? /^x'([0-9a-f]{64})'\n$/.exec(readFileSync(path, 'utf8'))?.[1] : undefined
}

export function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
    .filter((name) => !name.endsWith('-shm'))
    .sort()
}

const base = (folder, key = 'one') => [
  '--db',
  join(folder, 'c.db'),
  '--key-file',
  join(folder, key),
  '--json',
]

/**
 * `make(folder, mode, program)` fills a folder; `words(folder)` is the command; `database` says how to open
 * it before and after: `[file, key file or null, format]`. Everything else that the command creates, changes
 * or removes is compared byte by byte with the final state. `appears` names files that are created together;
 * when one of `first` exists, nothing need follow.
 */
export const OPERATIONS = {
  'init, new key and folders': {
    modes: ['wal'],
    make: async () => {},
    words: (folder) => [
      ...['init', '--generate-key', '--db', join(folder, 'data', 'deep', 'c.db')],
      ...['--key-file', join(folder, 'keys', 'deep', 'one'), '--json'],
    ],
    before: undefined,
    after: [join('data', 'deep', 'c.db'), join('keys', 'deep', 'one')],
  },
  'init, key written just now': {
    modes: ['wal'],
    make: (folder) => writeKey(folder, 'keys', 'one'),
    unsettled: ['keys', join('keys', 'one')],
    words: (folder) => [
      'init',
      '--db',
      join(folder, 'c.db'),
      '--key-file',
      join(folder, 'keys', 'one'),
      '--json',
    ],
    before: undefined,
    after: ['c.db', join('keys', 'one')],
  },
  'init, no hard links': {
    modes: ['wal'],
    make: (folder) => writeKey(folder, '.', 'one'),
    inject: WITHOUT_LINKS,
    words: (folder) => ['init', ...base(folder)],
    before: undefined,
    after: ['c.db', 'one'],
  },
  'session create': record((folder) => ['session', 'create', '--title', 'new', ...base(folder)]),
  'session update': record((folder) => ['session', 'update', 's', '--title', 'other', ...base(folder)]),
  'session delete': record((folder) => ['session', 'delete', 's', '--yes', ...base(folder)]),
  'message create': record((folder) => [
    ...['message', 'create', '--session', 's', '--role', 'user', '--content', 'hello', ...base(folder)],
  ]),
  'message delete': record((folder) => ['message', 'delete', 'm7', '--yes', ...base(folder)]),
  'setting set': record((folder) => ['setting', 'set', 'theme', 'dark', ...base(folder)]),
  'search --rebuild': record((folder) => ['search', '--rebuild', ...base(folder)], { same: true }),
  import: record((folder) => ['import', join(folder, 'chats.jsonl'), ...base(folder)], { chats: true }),
  'import, reject file': {
    ...record(
      (folder) => [
        'import',
        join(folder, 'chats.jsonl'),
        '--reject-file',
        join(folder, 'refused'),
        ...base(folder),
      ],
      { chats: 'broken' },
    ),
    codes: [6],
    appears: ['refused'],
    partial: true,
  },
  'import beside a reader': {
    ...record((folder) => ['import', join(folder, 'chats.jsonl'), ...base(folder)], { chats: true }),
    modes: ['wal'],
    reader: true,
  },
  'migrate up': record((folder) => ['migrate', 'up', ...base(folder)], { version: 1 }),
  'migrate down': record((folder) => ['migrate', 'down', '--to', '1', '--yes', ...base(folder)]),
  'rekey, new key and folder': {
    make: makeDatabase,
    words: (folder) => [
      ...['rekey', '--generate-key', '--new-key-file', join(folder, 'keys', 'two'), ...base(folder)],
    ],
    before: ['c.db', 'one'],
    after: ['c.db', join('keys', 'two')],
  },
  'rekey, key written just now': {
    make: async (folder, mode, program) => {
      await makeDatabase(folder, mode, program)
      writeKey(folder, 'keys', 'two')
    },
    unsettled: ['keys', join('keys', 'two')],
    words: (folder) => ['rekey', '--new-key-file', join(folder, 'keys', 'two'), ...base(folder)],
    before: ['c.db', 'one'],
    after: ['c.db', join('keys', 'two')],
  },
  'rekey, no hard links': {
    make: async (folder, mode, program) => {
      await makeDatabase(folder, mode, program)
      writeKey(folder, '.', 'two')
    },
    inject: WITHOUT_LINKS,
    words: (folder) => ['rekey', '--new-key-file', join(folder, 'two'), ...base(folder)],
    before: ['c.db', 'one'],
    after: ['c.db', 'two'],
  },
  backup: {
    make: makeDatabase,
    words: (folder) => ['backup', ...base(folder)],
    before: ['c.db', 'one'],
    after: ['c.db', 'one'],
    backup: true,
  },
  'backup to new folders': {
    make: makeDatabase,
    words: (folder) => ['backup', '--dir', join(folder, 'a', 'b'), ...base(folder)],
    before: ['c.db', 'one'],
    after: ['c.db', 'one'],
    backup: true,
  },
  'backup, no hard links': {
    make: makeDatabase,
    inject: WITHOUT_LINKS,
    words: (folder) => ['backup', ...base(folder)],
    before: ['c.db', 'one'],
    after: ['c.db', 'one'],
    backup: true,
  },
  'backup prune': {
    make: async (folder, mode, program) => {
      await makeDatabase(folder, mode, program)
      for (let count = 0; count < 3; count++) await program(['backup', ...base(folder)])
      await inMode(folder, mode)
    },
    modes: ['wal'],
    words: (folder) => ['backup', 'prune', '--keep-last', '1', '--yes', ...base(folder)],
    before: ['c.db', 'one'],
    after: ['c.db', 'one'],
    removes: true,
  },
  restore: {
    make: makeRestorable,
    words: (folder) => ['restore', 'latest', ...base(folder)],
    before: ['c.db', 'one'],
    after: ['c.db', 'one'],
    keeps: /^c\.db\.before-restore-\w+$/,
  },
  'restore over another key': {
    make: async (folder, mode, program) => {
      await makeRestorable(folder, mode, program)
      writeKey(folder, '.', 'two')
      await program(['rekey', '--new-key-file', join(folder, 'two'), ...base(folder)])
      await inMode(folder, mode, { key: KEYS.two })
    },
    words: (folder) => ['restore', 'latest', '--other-database', '--yes', ...base(folder)],
    before: ['c.db', 'two'],
    after: ['c.db', 'one'],
    keeps: /^c\.db\.before-restore-\w+$/,
  },
  'restore --to': {
    make: makeRestorable,
    modes: ['wal'],
    words: (folder) => ['restore', 'latest', '--to', join(folder, 'new', 'd.db'), ...base(folder)],
    before: ['c.db', 'one'],
    after: ['c.db', 'one'],
    appears: [join('new', 'd.db')],
  },
  encrypt: {
    make: (folder, mode, program) => makeDatabase(folder, mode, program, { key: null }),
    words: (folder) => ['encrypt', ...base(folder)],
    before: ['c.db', null],
    after: ['c.db', 'one'],
    keeps: /^c\.db\.before-encrypt-\w+$/,
  },
  'encrypt --remove-plaintext': {
    make: (folder, mode, program) => makeDatabase(folder, mode, program, { key: null }),
    words: (folder) => ['encrypt', '--remove-plaintext', ...base(folder)],
    before: ['c.db', null],
    after: ['c.db', 'one'],
    noPlaintext: true,
  },
  'encrypt --from, new key': {
    make: (folder, mode, program) => makeDatabase(folder, mode, program, { key: null }),
    words: (folder) => [
      ...['encrypt', '--from', join(folder, 'c.db'), '--remove-plaintext', '--generate-key'],
      ...['--db', join(folder, 'new', 'd.db'), '--key-file', join(folder, 'keys', 'two'), '--json'],
    ],
    before: ['c.db', null],
    after: [join('new', 'd.db'), join('keys', 'two')],
    noPlaintext: true,
  },
  upgrade: {
    make: (folder, mode, program) => makeDatabase(folder, mode, program, { version: 1, format: 3 }),
    words: (folder) => ['upgrade', ...base(folder)],
    before: ['c.db', 'one', 3],
    after: ['c.db', 'one'],
    keeps: /^c\.db\.before-upgrade-\w+$/,
  },
  'export to a file': {
    make: makeDatabase,
    modes: ['wal'],
    words: (folder) => ['export', '--out', join(folder, 'new', 'chats.jsonl'), ...base(folder)],
    before: ['c.db', 'one'],
    after: ['c.db', 'one'],
    appears: [join('new', 'chats.jsonl')],
  },
  'export, no hard links': {
    make: makeDatabase,
    modes: ['wal'],
    inject: WITHOUT_LINKS,
    words: (folder) => ['export', '--out', join(folder, 'chats.jsonl'), ...base(folder)],
    before: ['c.db', 'one'],
    after: ['c.db', 'one'],
    appears: ['chats.jsonl'],
  },
  'export to a folder': {
    make: makeDatabase,
    modes: ['wal'],
    words: (folder) => [
      'export',
      '--format',
      'markdown',
      '--out',
      join(folder, 'new', 'chats'),
      ...base(folder),
    ],
    before: ['c.db', 'one'],
    after: ['c.db', 'one'],
    appears: [join('new', 'chats', 'chat.md')],
  },
  'key generate': {
    modes: ['wal'],
    make: async () => {},
    words: (folder) => ['key', 'generate', '--key-file', join(folder, 'keys', 'new', 'one'), '--json'],
    appears: [join('keys', 'new', 'one')],
    partial: true,
  },
  'key export --out': {
    modes: ['wal'],
    make: makeDatabase,
    words: (folder) => ['key', 'export', '--paper', '--out', join(folder, 'sheet'), ...base(folder)],
    before: ['c.db', 'one'],
    after: ['c.db', 'one'],
    appears: ['sheet'],
    partial: true,
  },
  'key import': {
    modes: ['wal'],
    make: async (folder, mode, program) => {
      await makeDatabase(folder, mode, program)
      await program(['key', 'export', '--paper', '--out', join(folder, 'sheet'), ...base(folder)])
      await inMode(folder, mode)
    },
    words: (folder) => [
      ...['key', 'import', join(folder, 'sheet'), '--db', join(folder, 'c.db')],
      ...['--key-file', join(folder, 'keys', 'again'), '--json'],
    ],
    before: ['c.db', 'one'],
    after: ['c.db', 'one'],
    appears: [join('keys', 'again')],
    partial: true,
  },
}

/** Defines a command that changes rows of a database, or none when it is the `same` afterwards. */
function record(words, { version, chats, same } = {}) {
  return {
    make: async (folder, mode, program) => {
      await makeDatabase(folder, mode, program, { version })
      if (chats) writeFileSync(join(folder, 'chats.jsonl'), chatLines(chats))
    },
    words,
    before: ['c.db', 'one'],
    after: ['c.db', 'one'],
    same,
  }
}

function writeKey(folder, below, name) {
  mkdirSync(join(folder, below), { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, below, name), `x'${KEYS[name]}'\n`, { mode: 0o600 })
}

function chatLines(kind) {
  const at = '2025-02-02T10:00:00Z'
  const lines = ['i', 'j'].flatMap((id) => [
    { type: 'session', id, title: `chat ${id}`, is_archived: 0, created_at: at, updated_at: at },
    ...Array.from({ length: 20 }, (_, n) => ({
      ...{ type: 'message', id: `${id}${n}`, session_id: id, role: 'user' },
      ...{ content: `said ${n} `.repeat(40), created_at: at },
    })),
  ])
  if (kind === 'broken')
    lines.push({ type: 'session', id: 'k', title: 7, created_at: 'never', updated_at: at })
  return `{"libreollama_db_export":1}\n${lines.map((line) => JSON.stringify(line)).join('\n')}\n`
}

async function makeDatabase(folder, mode, program, { version = 2, key = KEYS.one, format } = {}) {
  const source = join(folder, 'source.db')
  writeKey(folder, '.', 'one')
  const flags = ['--db', source, '--key-file', join(folder, 'one'), '--json']
  await program(['init', ...flags])
  if (version === 1) await program(['migrate', 'down', '--to', '1', '--no-backup', '--yes', ...flags])
  writeFileSync(join(folder, 'c.db'), '', { mode: 0o600 })
  await withHandle(source, { key: KEYS.one }, async ({ exec, all }) => {
    await all('PRAGMA journal_mode = DELETE')
    await exec(`
      INSERT INTO agents (id, name, model_name, created_at, updated_at) VALUES ('g', 'Ada', 'm', '2025-01-01', '2025-01-01');
      INSERT INTO chat_sessions (id, title, agent_id, created_at, updated_at) VALUES ('s', 'chat', 'g', '2025-01-01', '2025-01-01');
      INSERT INTO chat_messages (id, session_id, role, content, created_at)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
        SELECT 'm' || i, 's', 'user', 'word' || i || ' ' || printf('%.400c', 'x'), '2025-01-01' FROM n;`)
    await exec(`ATTACH '${join(folder, 'c.db')}' AS made KEY "${key ? `x'${key}'` : ''}"`)
    if (format) await exec(`PRAGMA made.cipher_compatibility = ${format}`)
    await exec("BEGIN; SELECT sqlcipher_export('made'); COMMIT; DETACH made")
  })
  for (const suffix of ['', '-wal', '-shm']) rmSync(source + suffix, { force: true })
  await inMode(folder, mode, { key, format })
}

/** Creates a backup, and a database that has changed since. */
async function makeRestorable(folder, mode, program) {
  await makeDatabase(folder, mode, program)
  await program(['backup', ...base(folder)])
  await program(['session', 'update', 's', '--title', 'changed since', ...base(folder)])
  await inMode(folder, mode)
}

/**
 * Sets the journal mode; in WAL mode the last change is pending in the -wal, as after a program that was
 * killed.
 */
async function inMode(folder, mode, { key = KEYS.one, format } = {}) {
  const path = join(folder, 'c.db')
  const kept = []
  await withHandle(path, { key, format }, async ({ exec, all }) => {
    await all(`PRAGMA journal_mode = ${mode}`)
    if (mode !== 'wal') return
    await exec("UPDATE agents SET name = 'Ada Lovelace'")
    for (const suffix of ['', '-wal']) kept.push([path + suffix, readFileSync(path + suffix)])
  })
  for (const [name, bytes] of kept) writeFileSync(name, bytes, { mode: 0o600 })
}
