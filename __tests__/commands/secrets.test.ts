import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fixture, temporaryFolder } from '../helpers/folder.ts'
import { cleanEnvironment, PROGRAM } from '../helpers/run.ts'

const hasStrace = spawnSync('strace', ['-V']).status === 0
const testWithStrace = hasStrace ? test : test.skip

/**
 * Two passphrases that occur nowhere else. The key of a passphrase is derived, so both texts are looked for.
 */
const canary = () => `canary-${randomBytes(9).toString('hex')}`

/**
 * Runs the program under strace, in a home of its own, and gives everything in which a key must not be seen:
 * what it printed, the arguments and environments of all processes, and every file that is there afterwards.
 */
function watched(home: string, words: string[]): { code: number | null; seen: string } {
  const log = join(home, '..', 'processes')
  const env = cleanEnvironment({ HOME: home, TMPDIR: join(home, 'tmp'), XDG_RUNTIME_DIR: home })
  const traced = [
    '-f',
    '-qq',
    '-v',
    '-s',
    '100000',
    '-e',
    'trace=execve',
    '-o',
    log,
    process.execPath,
    PROGRAM,
  ]
  const { status, stdout, stderr } = spawnSync('strace', [...traced, ...words], { env, encoding: 'latin1' })
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' })
    .map((name) => join(home, name))
    .filter((path) => statSync(path).isFile())
  const contents = files.map((path) => readFileSync(path, 'latin1'))
  const seen = [stdout, stderr, readFileSync(log, 'latin1'), ...files, ...contents].join('\n')
  rmSync(log)
  return { code: status, seen }
}

testWithStrace(
  `a key is seen nowhere, whether it is right or wrong${hasStrace ? '' : ' (needs strace)'}`,
  () => {
    const outside = temporaryFolder()
    const home = join(outside, 'home')
    mkdirSync(join(home, 'tmp'), { recursive: true })
    const [one, two, wrong] = [canary(), canary(), canary()]
    const keys = { one: join(outside, 'one'), two: join(outside, 'two'), wrong: join(outside, 'wrong') }
    for (const [name, key] of Object.entries({ one, two, wrong })) {
      writeFileSync(join(outside, name), `${key}\n`, { mode: 0o600 })
    }
    const db = ['--db', join(home, 'c.db')]
    const plain = fixture('phase21-v1-plaintext.db')
    const commands: [words: string[], exit: number][] = [
      [['init', ...db, '--key-file', keys.one], 0],
      [['backup', ...db, '--key-command', `cat ${keys.one}`], 0],
      [['backup', ...db, '--key-file', keys.wrong], 12],
      [['backup', 'list', ...db, '--key-file', keys.one], 0],
      [['backup', 'verify', 'latest', ...db, '--key-file', keys.one], 0],
      [['backup', 'verify', 'latest', ...db, '--key-file', keys.wrong], 12],
      [['key', 'status', ...db, '--key-file', keys.one], 0],
      [['key', 'test', ...db, '--key-file', keys.wrong], 12],
      [['key', 'store', ...db, '--key-file', keys.one], 13],
      [['migrate', 'down', '--to', '1', ...db, '--key-file', keys.one], 0],
      [['migrate', 'up', '--rehearse', ...db, '--key-file', keys.one], 0],
      [['rekey', ...db, '--key-file', keys.one, '--new-key-file', keys.one], 6],
      [['rekey', ...db, '--key-file', keys.wrong, '--new-key-file', keys.two], 12],
      [['rekey', ...db, '--key-file', keys.one, '--new-key-file', keys.two, '--verbose'], 0],
      [['restore', 'latest', ...db, '--key-file', keys.one, '--timing'], 12],
      [['restore', 'latest', ...db, '--key-file', keys.one, '--other-database'], 0],
      [['restore', 'latest', ...db, '--key-file', keys.two], 12],
      [['encrypt', '--from', plain, '--db', join(home, 'e.db'), '--key-file', keys.one], 0],
      [['upgrade', ...db, '--key-file', keys.one], 0],
      [['health', ...db, '--key-file', keys.one, '--json'], 0],
    ]
    for (const [words, exit] of commands) {
      const { code, seen } = watched(home, words)
      expect([words, code]).toEqual([words, exit])
      for (const key of [one, two, wrong]) expect([words, seen.includes(key)]).toEqual([words, false])
    }
  },
  120_000,
)
