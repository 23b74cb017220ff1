// The time that the program takes as a whole process, as a ratio to a bare `node -e 0` that alternates with
// it, so that a machine that slows down slows both. Prints medians. `npm run bench -- 300000` also measures a
// database of that many messages, besides one of 1,000, and the batch call of the library. `npm run bench --
// --copies` measures backup and rekey on a database of 180 MB against VACUUM INTO of the bare driver. `npm
// run bench:transfer` measures import and export.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuild, ensurePackages } from './ensure.mjs'
import { median, timeWithMemory } from './measure.mjs'

ensurePackages()
ensureBuild()
const { createChatMessages, createChatSession, initDatabase, withDatabase } = await import('../dist/index.js')
const { default: sqlcipher } = await import('@journeyapps/sqlcipher')

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
  const messages = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 0)
  if (messages > 0) {
    const few = await database('few.db', raw, 1000)
    const many = await database('many.db', raw, messages)
    const on = (db, ...words) => [...words, '--json', '--db', db, '--key-file', raw]
    compare(`stats, ${messages} messages`, on(many, 'stats'), 5)
    compare(`health, ${messages} messages`, on(many, 'health'), 3)
    compare(`health --quick, ${messages} messages`, on(many, 'health', '--quick'), 10)
    console.log(`\n${messages} messages beside 1000:`)
    for (const words of [
      ['session', 'list', '--limit', '20'],
      ['message', 'list', '--limit', '50', '--session', 's7-0000-0000'],
      ['search', 'word777'],
      ['session', 'get', 's7-0000-0000'],
      ['message', 'get', 'm777-0000-0000'],
      ['setting', 'get', 'theme'],
    ]) {
      compareTwo(words.join(' '), [program, ...on(many, ...words)], [program, ...on(few, ...words)], RUNS)
    }
    await compareBatch()
  }
  if (process.argv.includes('--copies')) await compareCopies()
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
      INSERT INTO chat_sessions (id, title, updated_at)
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${Math.ceil(messages / 50)})
        SELECT 's' || i || '-0000-0000', 'chat ' || i,
          strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', 1700000000 + i * 3000, 'unixepoch') FROM n;
      INSERT INTO chat_messages (id, session_id, role, content, model_name, created_at)
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${messages - 1})
        SELECT 'm' || i || '-0000-0000', 's' || (i / 50) || '-0000-0000', 'user',
          'word' || i || ' ' || substr(hex(randomblob(300)), 1, 100 + abs(random()) % 500), 'llama2',
          strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', 1700000000 + i * 60, 'unixepoch') FROM n;`),
  )
}

/**
 * Compares 10,000 messages through the batch call with the driver's own prepared insert, awaited row by row.
 */
async function compareBatch() {
  const rows = 10_000
  const content = (index) => `message ${index} about bread and butter ${'lorem ipsum dolor '.repeat(10)}`
  const key = `x'${'5a'.repeat(32)}'`
  const [own, bare] = [await database('own.db', raw), await database('bare.db', raw)]
  const batch = await withDatabase({ path: own, keyFile: raw, access: 'write' }, async (db) => {
    const { id } = await createChatSession(db, { title: 'bench' })
    const inputs = Array.from({ length: rows }, (_, index) => ({
      session_id: id,
      role: 'user',
      content: content(index),
    }))
    const began = performance.now()
    await createChatMessages(db, inputs)
    return performance.now() - began
  })
  const handle = await new Promise((resolve, reject) => {
    const opened = new sqlcipher.Database(bare, (error) => (error ? reject(error) : resolve(opened)))
  })
  const call = (target, method, ...words) =>
    new Promise((resolve, reject) => target[method](...words, (error) => (error ? reject(error) : resolve())))
  await call(
    handle,
    'exec',
    `PRAGMA key = "${key}"; INSERT INTO chat_sessions (id, title) VALUES ('s', 'bench')`,
  )
  const insert = handle.prepare(
    'INSERT INTO chat_messages (id, session_id, role, content) VALUES (?, ?, ?, ?)',
  )
  const oneByOne = async (prefix) => {
    const began = performance.now()
    for (let index = 0; index < rows; index++)
      await call(insert, 'run', [`${prefix}${index}`, 's', 'user', content(index)])
    return performance.now() - began
  }
  const each = await oneByOne('a')
  await call(handle, 'exec', 'BEGIN')
  const together = await oneByOne('b')
  await call(handle, 'exec', 'COMMIT')
  await call(insert, 'finalize').catch(() => {})
  handle.close()
  console.log(`\n${rows} messages by the batch call: ${batch.toFixed(0)} ms
  by one awaited insert a row: ${each.toFixed(0)} ms, ${(each / batch).toFixed(1)} times as long
  the same inside one transaction: ${together.toFixed(0)} ms, ${(together / batch).toFixed(1)} times as long`)
}

/**
 * Compares `backup` and `rekey` as whole processes, including verification, with the bare driver's VACUUM
 * INTO, alternating.
 */
async function compareCopies() {
  const path = await database('large.db', raw, 165_000)
  const second = join(folder, 'second')
  writeFileSync(second, `x'${'c3'.repeat(32)}'\n`, { mode: 0o600 })
  const times = { vacuum: [], backup: [], rekey: [] }
  const memory = { backup: 0, rekey: 0 }
  for (let round = 0; round < 5; round++) {
    const [from, to] = round % 2 ? [second, raw] : [raw, second]
    times.vacuum.push(await vacuum(path, from))
    for (const [name, words] of [
      ['backup', ['backup', '--db', path, '--key-file', from]],
      ['rekey', ['rekey', '--db', path, '--key-file', from, '--new-key-file', to]],
    ]) {
      const { milliseconds, bytes } = await timeWithMemory(process.execPath, [program, ...words])
      times[name].push(milliseconds)
      memory[name] = Math.max(memory[name], bytes)
    }
    rmSync(join(folder, 'backups'), { recursive: true, force: true })
  }
  const bare = median(times.vacuum)
  console.log(
    `\n${(statSync(path).size / 1e6).toFixed(0)} MB, VACUUM INTO by the bare driver: ${bare.toFixed(0)} ms`,
  )
  for (const name of ['backup', 'rekey']) {
    const own = median(times[name])
    const megabytes = (memory[name] / 1e6).toFixed(0)
    console.log(
      `${name.padEnd(8)} ${own.toFixed(0).padStart(6)} ms  ratio ${(own / bare).toFixed(2)}  memory ${megabytes} MB`,
    )
  }
}

async function vacuum(path, keyFile) {
  const target = join(folder, 'vacuumed')
  const handle = await new Promise((resolve, reject) => {
    const opened = new sqlcipher.Database(path, (error) => (error ? reject(error) : resolve(opened)))
  })
  const call = (method, sql) =>
    new Promise((resolve, reject) => handle[method](sql, (error) => (error ? reject(error) : resolve())))
  await call('exec', `PRAGMA key = "${readFileSync(keyFile, 'utf8').trim()}"`)
  const began = performance.now()
  await call('run', `VACUUM INTO '${target}'`)
  const milliseconds = performance.now() - began
  await new Promise((resolve) => handle.close(resolve))
  rmSync(target)
  return milliseconds
}

function compare(name, words, runs = RUNS) {
  compareTwo(name, [program, ...words], ['-e', '0'], runs)
}

function compareTwo(name, first, second, runs) {
  const times = { first: [], second: [] }
  for (let run = -1; run < runs; run++) {
    const pair = { first: time(first), second: time(second) }
    if (run >= 0) for (const key of ['first', 'second']) times[key].push(pair[key])
  }
  const [own, other] = [median(times.first), median(times.second)]
  const figures = `${own.toFixed(1).padStart(8)} ms  beside ${other.toFixed(1).padStart(6)} ms  ratio ${(own / other).toFixed(2)}`
  console.log(`${name.padEnd(52)} ${figures}`)
}

function time(words) {
  const began = process.hrtime.bigint()
  const { status, stderr } = spawnSync(process.execPath, words)
  if (status !== 0) throw new Error(`${words.join(' ')} failed: ${stderr}`)
  return Number(process.hrtime.bigint() - began) / 1e6
}
