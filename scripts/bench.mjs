// How long the program takes as a whole process, as a ratio to a bare `node -e 0` that runs in turn with it, so that a
// machine that slows down slows both. Prints medians. `npm run bench -- 300000` also measures a database of that many
// messages.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuild, ensurePackages } from './ensure.mjs'

ensurePackages()
ensureBuild()
const { initDatabase, withDatabase } = await import('../dist/index.js')

const RUNS = 40
const program = join(import.meta.dirname, '..', 'dist', 'cli', 'libreollama-db.js')
const folder = mkdtempSync(join(tmpdir(), 'libreollama-db-bench-'))
const raw = join(folder, 'raw')
const passphrase = join(folder, 'passphrase')
writeFileSync(raw, `x'${'5a'.repeat(32)}'\n`, { mode: 0o600 })
writeFileSync(passphrase, 'correct horse battery staple\n', { mode: 0o600 })

try {
  const small = await database('small.db', raw)
  const derived = await database('derived.db', passphrase)
  compare('--help', ['--help'])
  compare('path', ['path'])
  compare('stats, raw key', ['stats', '--json', '--db', small, '--key-file', raw])
  compare('stats, passphrase', ['stats', '--json', '--db', derived, '--key-file', passphrase])
  const messages = Number(process.argv[2] ?? 0)
  if (messages > 0) {
    const large = await database('large.db', raw, messages)
    compare(`stats, ${messages} messages`, ['stats', '--json', '--db', large, '--key-file', raw], 5)
    compare(`health, ${messages} messages`, ['health', '--json', '--db', large, '--key-file', raw], 3)
    compare(
      `health --quick, ${messages} messages`,
      ['health', '--quick', '--json', '--db', large, '--key-file', raw],
      10,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function database(name, keyFile, messages = 0) {
  const path = join(folder, name)
  await initDatabase({ path, keyFile })
  if (messages > 0) await withDatabase({ path, keyFile, access: 'write' }, (db) => fill(db, messages))
  return path
}

function fill(db, messages) {
  return db.transaction((writer) =>
    writer.exec(`
      INSERT INTO chat_sessions (id, title)
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${Math.ceil(messages / 50)})
        SELECT 's' || i, 'chat ' || i FROM n;
      INSERT INTO chat_messages (id, session_id, role, content, model_name, created_at)
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${messages - 1})
        SELECT 'm' || i, 's' || (i / 50), 'user', substr(hex(randomblob(300)), 1, 100 + abs(random()) % 500), 'llama2',
          strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', 1700000000 + i * 60, 'unixepoch') FROM n;`),
  )
}

function compare(name, words, runs = RUNS) {
  const times = { bare: [], program: [] }
  for (let run = -1; run < runs; run++) {
    const pair = { bare: time(['-e', '0']), program: time([program, ...words]) }
    if (run >= 0) for (const key of ['bare', 'program']) times[key].push(pair[key])
  }
  const [bare, own] = [median(times.bare), median(times.program)]
  console.log(
    `${name.padEnd(30)} ${own.toFixed(1).padStart(8)} ms   node -e 0 ${bare.toFixed(1)} ms   ratio ${(own / bare).toFixed(2)}`,
  )
}

function time(words) {
  const began = process.hrtime.bigint()
  const { status, stderr } = spawnSync(process.execPath, words)
  if (status !== 0) throw new Error(`${words.join(' ')} failed: ${stderr}`)
  return Number(process.hrtime.bigint() - began) / 1e6
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
