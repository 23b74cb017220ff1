// What becomes of a database when an operation is killed, or the disk fails, at each of its durable system calls.
// Every operation runs under strace, which kills it (or makes a call fail) at the n-th call of a kind. After each such
// point: is the database exactly as before or exactly as after, does that agree with the exit code, does a stored key
// open it, and does the same command, run again, bring it to its end? Linux; needs strace (Debian: apt install strace).
//
//   node scripts/faults.mjs                    every point, about 20 minutes
//   node scripts/faults.mjs --sample 120       so many of them, spread evenly
//   node scripts/faults.mjs --only rekey       one operation
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureBuild, ensurePackages } from './ensure.mjs'

ensurePackages()
ensureBuild()
const { default: sqlcipher } = await import('@journeyapps/sqlcipher')
const library = await import('../dist/index.js')

const { values: options } = parseArgs({
  options: { sample: { type: 'string' }, only: { type: 'string' }, json: { type: 'boolean' } },
})
const root = join(import.meta.dirname, '..')
const program = join(root, 'dist', 'cli', 'libreollama-db.js')
const scratch = mkdtempSync(join(tmpdir(), 'libreollama-db-faults-'))
const KEYS = { one: '5a'.repeat(32), two: 'c3'.repeat(32) }

if (spawnSync('strace', ['-V']).status !== 0) {
  console.error('strace is missing: sudo apt install strace')
  process.exit(2)
}

/** One thread, so that the n-th call is the same in every run. Nothing of the person who runs this is seen. */
const environment = { PATH: process.env.PATH, HOME: '/nonexistent', UV_THREADPOOL_SIZE: '1' }

const flags = (folder, key) => ['--db', join(folder, 'c.db'), '--key-file', join(folder, key), '--json']

/**
 * The operations. `make` fills a folder with what there is before; `words` is the command; `state` tells what a folder
 * holds: 'before', 'after', or in words what is wrong; `again` is the command that has to bring it to its end.
 */
const OPERATIONS = {
  init: {
    modes: ['wal'],
    make: async () => {},
    words: (folder) => ['init', ...flags(folder, 'one')],
    state: async (folder) => {
      if (!existsSync(join(folder, 'c.db'))) return 'before'
      const rows = await look(folder, 'c.db', KEYS.one, 'SELECT count(*) AS n FROM settings')
      return rows?.[0]?.n === 6 ? 'after' : 'not a whole database'
    },
  },
  'migrate up': {
    make: (folder, mode) => makeDatabase(folder, mode, 1),
    words: (folder) => ['migrate', 'up', ...flags(folder, 'one')],
    state: (folder) => oneOf(folder, { before: ['v1', 'one'], after: ['v2', 'one'] }),
  },
  'migrate down': {
    make: (folder, mode) => makeDatabase(folder, mode, 2),
    words: (folder) => ['migrate', 'down', '--to', '1', ...flags(folder, 'one')],
    state: (folder) => oneOf(folder, { before: ['v2', 'one'], after: ['v1', 'one'] }),
  },
  rekey: {
    make: (folder, mode) => makeDatabase(folder, mode, 2),
    words: (folder) => ['rekey', '--new-key-file', join(folder, 'two'), ...flags(folder, 'one')],
    state: (folder) => oneOf(folder, { before: ['v2', 'one'], after: ['v2', 'two'] }),
  },
  backup: {
    make: (folder, mode) => makeDatabase(folder, mode, 2),
    words: (folder) => ['backup', ...flags(folder, 'one')],
    state: async (folder) => {
      const wrong = await oneOf(folder, { fine: ['v2', 'one'] })
      if (wrong !== 'fine') return wrong
      const names = namesIn(join(folder, 'backups')).filter((name) => name.endsWith('.db'))
      for (const name of names) {
        const path = join('backups', name)
        if (!existsSync(join(folder, `${path}.json`))) return 'a backup without its manifest'
        if ((await contentOf(folder, path, KEYS.one)) !== (await known('v2')))
          return 'a backup that holds something else'
      }
      return names.length ? 'after' : 'before'
    },
  },
  restore: {
    make: async (folder, mode) => {
      await makeDatabase(folder, mode, 2)
      await run(['backup', ...flags(folder, 'one')])
      await run(['migrate', 'down', '--to', '1', '--no-backup', '--yes', ...flags(folder, 'one')])
      await inMode(folder, mode)
    },
    words: (folder) => ['restore', 'latest', ...flags(folder, 'one')],
    state: (folder) => keeping(folder, 'restore', 'v1', { before: ['v1', 'one'], after: ['v2', 'one'] }),
  },
  'restore over another key': {
    make: async (folder, mode) => {
      await makeDatabase(folder, mode, 2)
      await run(['backup', ...flags(folder, 'one')])
      await run(['rekey', '--new-key-file', join(folder, 'two'), ...flags(folder, 'one')])
      await inMode(folder, mode, KEYS.two)
    },
    words: (folder) => ['restore', 'latest', '--other-database', ...flags(folder, 'one')],
    state: async (folder) => {
      // Between the moves of a database with its -wal there is none under its name; the next run goes on.
      if (!existsSync(join(folder, 'c.db')) && namesIn(folder).some((name) => name.endsWith('.new')))
        return 'between'
      return keeping(folder, 'restore', 'v2', { before: ['v2', 'two'], after: ['v2', 'one'] }, KEYS.two)
    },
  },
  encrypt: {
    make: (folder, mode) => makeDatabase(folder, mode, 2, null),
    words: (folder) => ['encrypt', ...flags(folder, 'one')],
    state: (folder) => keeping(folder, 'encrypt', 'v2', { before: ['v2', null], after: ['v2', 'one'] }, null),
    converged: [0, 6],
  },
  upgrade: {
    make: (folder, mode) => makeDatabase(folder, mode, 1, KEYS.one, 3),
    words: (folder) => ['upgrade', ...flags(folder, 'one')],
    state: (folder) =>
      keeping(folder, 'upgrade', 'v1', { before: ['v1', 'one', 3], after: ['v1', 'one'] }, KEYS.one, 3),
  },
}

/** What can go wrong at a call: the process is killed before it, or it fails. */
const FAULTS = {
  pwrite64: ['kill', 'ENOSPC', 'EIO'],
  fsync: ['kill', 'EIO'],
  fdatasync: ['kill', 'EIO', 'ENOSPC'],
  ftruncate: ['kill', 'EIO'],
  rename: ['kill', 'EACCES', 'EIO'],
  link: ['kill', 'EACCES', 'ENOSPC'],
  unlink: ['kill', 'EACCES'],
  mkdir: ['kill', 'EACCES', 'ENOSPC'],
}

// ---------------------------------------------------------------- looking at databases, without the code under test

const call = (handle, method, ...words) =>
  new Promise((resolve, reject) =>
    handle[method](...words, (error, rows) => (error ? reject(error) : resolve(rows))),
  )

async function withHandle(path, key, format, work) {
  const handle = await new Promise((resolve, reject) => {
    const opened = new sqlcipher.Database(path, sqlcipher.OPEN_READWRITE, (error) =>
      error ? reject(error) : resolve(opened),
    )
  })
  try {
    if (key) await call(handle, 'exec', `PRAGMA cipher_log_level = NONE; PRAGMA key = "x'${key}'"`)
    if (format) await call(handle, 'exec', `PRAGMA cipher_compatibility = ${format}`)
    return await work(handle)
  } finally {
    await call(handle, 'close')
  }
}

/** Runs a query on a copy of a file and what lies beside it, so that looking changes nothing. */
async function look(folder, name, key, sql, format) {
  const copy = mkdtempSync(join(scratch, 'look-'))
  try {
    for (const suffix of ['', '-wal', '-journal']) {
      if (existsSync(join(folder, name + suffix)))
        cpSync(join(folder, name + suffix), join(copy, `c.db${suffix}`))
    }
    return await withHandle(join(copy, 'c.db'), key, format, (handle) =>
      typeof sql === 'string' ? call(handle, 'all', sql) : sql(handle),
    )
  } catch {
    return undefined
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** A hash over every row of every table (how the full-text index is laid out aside), moments of migrations left out; 'damaged' when a check finds something. */
async function contentOf(folder, name, key, format) {
  return look(
    folder,
    name,
    key,
    async (handle) => {
      const [first] = await call(handle, 'all', 'PRAGMA integrity_check')
      const orphans = await call(handle, 'all', 'PRAGMA foreign_key_check')
      if (Object.values(first)[0] !== 'ok' || orphans.length) return 'damaged'
      const hash = createHash('sha256')
      const tables = await call(
        handle,
        'all',
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name",
      )
      for (const table of tables) {
        if (/^(sqlite_|message_search_(data|idx|docsize|config))/.test(table.name)) continue
        const rows = await call(handle, 'all', `SELECT * FROM "${table.name}"`)
        const lines = rows.map(({ applied_at, docid, ...row }) => JSON.stringify(row)).sort()
        hash.update(JSON.stringify([table.name, table.sql, lines]))
      }
      return hash.digest('hex')
    },
    format,
  )
}

const references = new Map()

/** The content that a whole database has at a version. */
function known(version) {
  if (!references.has(version)) {
    references.set(
      version,
      (async () => {
        const folder = mkdtempSync(join(scratch, 'known-'))
        await makeDatabase(folder, 'delete', Number(version.slice(1)))
        return contentOf(folder, 'c.db', KEYS.one)
      })(),
    )
  }
  return references.get(version)
}

/** Which of some states `c.db` is in: [content, key, format] by name. */
async function oneOf(folder, states, name = 'c.db') {
  if (!existsSync(join(folder, name))) return 'there is no file'
  let opened = false
  for (const [state, [version, key, format]] of Object.entries(states)) {
    const content = await contentOf(folder, name, key && KEYS[key], format)
    if (content === (await known(version))) return state
    opened ||= content !== undefined
  }
  return opened ? 'it holds something else' : 'no stored key opens it'
}

/** The same for operations that keep what stood there: after them it has to be there. */
async function keeping(folder, operation, version, states, key = KEYS.one, format = undefined) {
  const state = await oneOf(folder, states)
  if (state !== 'after') return state
  const kept = namesIn(folder).filter(
    (name) => name.startsWith(`c.db.before-${operation}-`) && !/-(wal|shm|journal)$/.test(name),
  )
  for (const name of kept)
    if ((await contentOf(folder, name, key, format)) === (await known(version))) return 'after'
  return 'what stood there before is gone'
}

const namesIn = (folder) => (existsSync(folder) ? readdirSync(folder) : [])

// ---------------------------------------------------------------- making what there is before

async function makeDatabase(folder, mode, version, key = KEYS.one, format = undefined) {
  const path = join(folder, 'c.db')
  const source = join(folder, 'source.db')
  writeFileSync(path, '', { mode: 0o600 })
  const keyFile = join(folder, 'one')
  writeFileSync(keyFile, `x'${KEYS.one}'\n`, { mode: 0o600 })
  await library.initDatabase({ path: source, keyFile })
  await library.withDatabase({ path: source, keyFile, access: 'write' }, (db) =>
    db.transaction((writer) =>
      writer.exec(`
        DELETE FROM settings;
        INSERT INTO settings (key, value, created_at, updated_at) VALUES ('a', 'b', '2025-01-01', '2025-01-01');
        INSERT INTO agents (id, name, model_name, created_at, updated_at) VALUES ('g', 'Ada', 'm', '2025-01-01', '2025-01-01');
        INSERT INTO chat_sessions (id, title, agent_id, created_at, updated_at) VALUES ('s', 'chat', 'g', '2025-01-01', '2025-01-01');
        INSERT INTO chat_messages (id, session_id, role, content, created_at)
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
          SELECT 'm' || i, 's', 'user', 'word' || i || ' ' || printf('%.400c', 'x'), '2025-01-01' FROM n;`),
    ),
  )
  if (version === 1)
    await run(['migrate', 'down', '--to', '1', '--no-backup', '--yes', '--db', source, '--key-file', keyFile])
  await withHandle(source, KEYS.one, undefined, async (handle) => {
    await call(handle, 'all', 'PRAGMA journal_mode = DELETE')
    await call(handle, 'exec', `ATTACH '${path}' AS made KEY "${key ? `x'${key}'` : ''}"`)
    if (format) await call(handle, 'exec', `PRAGMA made.cipher_compatibility = ${format}`)
    await call(handle, 'exec', "BEGIN; SELECT sqlcipher_export('made'); COMMIT; DETACH made")
  })
  rmSync(source)
  await inMode(folder, mode, key, format)
}

/** The journal mode; in WAL mode the last row waits in the -wal, as after a program that was killed. */
async function inMode(folder, mode, key = KEYS.one, format = undefined) {
  const path = join(folder, 'c.db')
  await withHandle(path, key, format, async (handle) => {
    await call(handle, 'all', `PRAGMA journal_mode = ${mode}`)
    if (mode !== 'wal') return
    await call(handle, 'exec', "UPDATE settings SET value = 'b' WHERE key = 'a'")
    for (const suffix of ['', '-wal']) cpSync(path + suffix, `${path}${suffix}.crashed`)
  })
  for (const suffix of ['', '-wal']) {
    if (!existsSync(`${path}${suffix}.crashed`)) continue
    cpSync(`${path}${suffix}.crashed`, path + suffix)
    rmSync(`${path}${suffix}.crashed`)
  }
}

// ---------------------------------------------------------------- running

function run(words, tracing = []) {
  const command = tracing.length ? ['strace', ...tracing, process.execPath] : [process.execPath]
  return new Promise((resolve) => {
    const child = spawn(command[0], [...command.slice(1), program, ...words], { env: environment })
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.stdout.resume()
    child.stdin.end()
    child.once('close', (code, signal) =>
      resolve({ code, killed: signal === 'SIGKILL' || code === 137, stderr }),
    )
  })
}

async function template(name, mode) {
  const folder = join(scratch, `${name.replaceAll(' ', '-')}-${mode}`)
  mkdirSync(folder)
  for (const [file, key] of Object.entries(KEYS))
    writeFileSync(join(folder, file), `x'${key}'\n`, { mode: 0o600 })
  await OPERATIONS[name].make(folder, mode)
  return folder
}

function copyOf(folder) {
  const copy = mkdtempSync(join(scratch, 'point-'))
  cpSync(folder, copy, { recursive: true })
  return copy
}

/** How many calls of each kind one thread of an operation makes, by which the points are numbered. */
async function countCalls(name, folder) {
  const copy = copyOf(folder)
  const log = join(scratch, 'calls')
  const tracing = ['-f', '-qq', '--seccomp-bpf', '-o', log, '-e', `trace=${Object.keys(FAULTS).join(',')}`]
  const result = await run(OPERATIONS[name].words(copy), tracing)
  if (result.code !== 0) throw new Error(`${name} fails without any fault: ${result.stderr}`)
  const state = await OPERATIONS[name].state(copy)
  if (state !== 'after') throw new Error(`${name} without any fault ends in the state: ${state}`)
  const counts = {}
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [, thread, kind] = /^(\d+)\s+(\w+)\(/.exec(line) ?? []
    if (!(kind in FAULTS)) continue
    counts[kind] ??= {}
    counts[kind][thread] = (counts[kind][thread] ?? 0) + 1
  }
  rmSync(copy, { recursive: true, force: true })
  return Object.fromEntries(
    Object.entries(counts).map(([kind, threads]) => [kind, Math.max(...Object.values(threads))]),
  )
}

/** One point: undefined when all is well, else what is wrong. */
async function tryPoint({ name, mode, folder, kind, fault, n }) {
  const operation = OPERATIONS[name]
  const copy = copyOf(folder)
  const injected = fault === 'kill' ? 'signal=SIGKILL' : `error=${fault}`
  // With --seccomp-bpf only the first call would be killed (strace 6.1); without it everything is a little slower.
  const fast = fault === 'kill' ? [] : ['--seccomp-bpf']
  const tracing = [
    '-f',
    '-qq',
    ...fast,
    '-o',
    '/dev/null',
    '-e',
    `trace=${kind}`,
    '-e',
    `inject=${kind}:${injected}:when=${n}`,
  ]
  try {
    const { code, killed, stderr } = await run(operation.words(copy), tracing)
    const state = await operation.state(copy)
    const point = `${name}, ${mode}, ${fault} at ${kind} ${n}`
    const lost = !['before', 'after', 'between'].includes(state)
    if (lost) return { lost, words: `${point}: ${state} (exit ${code})` }
    const lie = !killed && (code === 0) !== (state === 'after')
    if (lie) return { lie, words: `${point}: exit ${code}, but the state is '${state}': ${stderr.trim()}` }
    if (!killed && code === 1 && stderr.includes('defect'))
      return { lie: true, words: `${point}: a defect is reported: ${stderr.trim()}` }
    const again = await run(operation.words(copy))
    const end = await operation.state(copy)
    if (end !== 'after' || !(operation.converged ?? [0]).includes(again.code)) {
      return {
        lie: true,
        words: `${point}: run again, exit ${again.code} and '${end}': ${again.stderr.trim()}`,
      }
    }
    // A second name of a finished backup, which could not be removed, goes with the next backup.
    if (litterIn(copy).length) await run(['backup', ...flags(copy, 'one')])
    const litter = litterIn(copy)
    if (litter.length) return { lie: true, words: `${point}: run again, ${litter.join(', ')} stays` }
    return { killed, failed: !killed && code !== 0 }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

const litterIn = (folder) =>
  [...namesIn(folder), ...namesIn(join(folder, 'backups'))].filter((file) => /\.(new|old)$/.test(file))

async function allPoints() {
  const points = []
  for (const name of Object.keys(OPERATIONS)) {
    if (options.only && options.only !== name) continue
    for (const mode of OPERATIONS[name].modes ?? ['wal', 'delete']) {
      const folder = await template(name, mode)
      const counts = await countCalls(name, folder)
      for (const [kind, count] of Object.entries(counts)) {
        for (const fault of FAULTS[kind]) {
          for (let n = 1; n <= count; n++) points.push({ name, mode, folder, kind, fault, n })
        }
      }
    }
  }
  return points
}

/** So many, spread evenly over the list, which is ordered by operation, mode, call and fault. */
function sampled(points, wanted) {
  if (wanted >= points.length) return points
  return Array.from(
    { length: wanted },
    (_, index) => points[Math.floor(((index + 0.5) * points.length) / wanted)],
  )
}

try {
  const all = await allPoints()
  const points = options.sample ? sampled(all, Number(options.sample)) : all
  const figures = {}
  const wrong = []
  const waiting = [...points]
  const worker = async () => {
    for (let point = waiting.shift(); point; point = waiting.shift()) {
      figures[point.name] ??= { points: 0, killed: 0, failed: 0, lost: 0, lies: 0 }
      const figure = figures[point.name]
      const result = await tryPoint(point)
      figure.points++
      if (result.killed) figure.killed++
      if (result.failed) figure.failed++
      if (result.lost) figure.lost++
      if (result.lie) figure.lies++
      if (result.words) wrong.push(result.words)
      if (result.words && !options.json) console.log(`! ${result.words}`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  const sum = (what) => Object.values(figures).reduce((total, figure) => total + figure[what], 0)
  const total = {
    points: sum('points'),
    of: all.length,
    killed: sum('killed'),
    failed: sum('failed'),
    lost: sum('lost'),
    lies: sum('lies'),
  }
  if (options.json) console.log(JSON.stringify({ total, figures, wrong }))
  else {
    for (const [name, { points: tried, killed, failed, lost, lies }] of Object.entries(figures)) {
      console.log(
        `${name.padEnd(26)} ${String(tried).padStart(5)} points  ${String(killed).padStart(4)} killed  ${String(failed).padStart(4)} failed  ${lost} lost  ${lies} lies`,
      )
    }
    console.log(
      `${total.points} points of ${total.of}: ${total.lost} lost, ${total.lies} exit codes that lie`,
    )
  }
  process.exitCode = total.lost + total.lies > 0 || total.points === 0 ? 1 : 0
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
