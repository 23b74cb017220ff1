// `npm run bench:transfer`: import and export of 300,000 messages as whole processes, alternating with
// SQLCipher's own shell on the same rows, into the same tables, indexes and triggers, with the same cache and
// settings. SQLCIPHER names the shell, `sqlcipher` by default; it has to be of version 4, as the engine is. A
// number on the command line is the number of messages.
import { spawnSync } from 'node:child_process'
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeRows } from './bench-rows.mjs'
import { ensureBuild, ensurePackages } from './ensure.mjs'
import { median, timeWithMemory } from './measure.mjs'

ensurePackages()
ensureBuild()

const ROUNDS = 5
const KEY = `x'${'5a'.repeat(32)}'`
const program = join(import.meta.dirname, '..', 'dist', 'cli', 'libreollama-db.js')
const shell = process.env.SQLCIPHER ?? 'sqlcipher'
const messages = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 300_000)
const folder = mkdtempSync(join(tmpdir(), 'libreollama-db-bench-'))
const at = (name) => join(folder, name)

try {
  writeFileSync(at('key'), `${KEY}\n`, { mode: 0o600 })
  const version = shellVersion()
  await writeRows(folder, messages)
  const megabytes = (statSync(at('chats.jsonl')).size / 1e6).toFixed(0)
  console.log(
    `${messages} messages, ${megabytes} MB of jsonl; the shell is SQLCipher ${version}; medians of ${ROUNDS} rounds`,
  )
  for (const schema of [1, 2]) await compareImport(schema)
  await compareExport()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function shellVersion() {
  const { stdout, error } = spawnSync(shell, [':memory:'], {
    input: 'PRAGMA cipher_version;\n',
    encoding: 'utf8',
  })
  const version = /\d[\w. ]*/.exec(stdout ?? '')?.[0].trim()
  if (error || !version?.startsWith('4'))
    throw new Error(`${shell} is no SQLCipher 4 shell (${version ?? error?.code}): name one with SQLCIPHER`)
  return version
}

async function compareImport(schema) {
  const empty = newDatabase(`empty-${schema}.db`, schema)
  const script = [
    `PRAGMA key = "${KEY}";`,
    'PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 32768; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;',
    '.mode csv',
    ...['agents', 'chat_sessions', 'chat_messages'].map((table) => `.import ${at(`${table}.csv`)} ${table}`),
    '',
  ].join('\n')
  writeFileSync(at('import.sql'), script)
  await rounds(`import, schema ${schema}`, {
    own: async () => {
      copyFileSync(empty, at('own.db'))
      return timeWithMemory(process.execPath, [
        program,
        'import',
        at('chats.jsonl'),
        '--json',
        ...on('own.db'),
      ])
    },
    shell: async () => {
      copyFileSync(empty, at('shell.db'))
      return withFile('import.sql', (input) => timeWithMemory(shell, [at('shell.db')], { input }))
    },
  })
}

async function compareExport() {
  const tables = ['settings', 'agents', 'chat_sessions', 'chat_messages', 'agent_executions']
  const selects = tables.map((table) => `SELECT * FROM ${table};`)
  writeFileSync(at('export.sql'), [`PRAGMA key = "${KEY}";`, '.mode json', ...selects, ''].join('\n'))
  const toFile = async (work) => {
    const output = openSync(at('out'), 'w')
    try {
      return await work(output)
    } finally {
      closeSync(output)
    }
  }
  await rounds('export to jsonl', {
    own: () =>
      toFile((output) => timeWithMemory(process.execPath, [program, 'export', ...on('own.db')], { output })),
    shell: () =>
      toFile((output) =>
        withFile('export.sql', (input) => timeWithMemory(shell, [at('own.db')], { input, output })),
      ),
  })
}

/** Runs both sides alternately, the first time unmeasured. */
async function rounds(name, sides) {
  const found = { own: [], shell: [] }
  let memory = 0
  for (let round = 0; round <= ROUNDS; round++) {
    for (const side of ['own', 'shell']) {
      const { milliseconds, bytes } = await sides[side]()
      if (round > 0) found[side].push(milliseconds)
      if (side === 'own') memory = Math.max(memory, bytes)
    }
  }
  const [own, other] = [median(found.own), median(found.shell)]
  const figures = `${(own / 1000).toFixed(2)} s  beside ${(other / 1000).toFixed(2)} s  ratio ${(own / other).toFixed(2)}`
  console.log(`${name.padEnd(20)} ${figures}  memory ${(memory / 1e6).toFixed(0)} MB`)
}

function newDatabase(name, schema) {
  run('init')
  if (schema === 1) run('migrate', 'down', '--to', '1', '--yes', '--no-backup')
  return at(name)
  function run(...words) {
    const { status, stderr } = spawnSync(process.execPath, [program, ...words, ...on(name)])
    if (status !== 0) throw new Error(`${words.join(' ')} failed: ${stderr}`)
  }
}

function on(name) {
  return ['--db', at(name), '--key-file', at('key')]
}

async function withFile(name, work) {
  const file = openSync(at(name), 'r')
  try {
    return await work(file)
  } finally {
    closeSync(file)
  }
}
