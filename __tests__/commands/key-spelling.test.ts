import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseKey } from '../../src/core/keys/key.ts'
import { initDatabase } from '../../src/core/operations/init.ts'
import { inspectElsewhere } from '../../src/helper-programs.ts'
import { shippedMigrations } from '../../src/shipped-migrations.ts'
import { fixture, keyFile, PASSPHRASE, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { runHere } from '../helpers/in-process.ts'
import { cleanEnvironment, errorOf, PROGRAM } from '../helpers/run.ts'

const HEX = '2dd29ca851e7b56e4697b0e1f08507293d761a05ce4d1b628663f411a8086d99'
const RAW = `x'${HEX}'`
const BYTES = Buffer.from(HEX, 'hex')
const ACCENTS = 'pässwört 1'

const databases: Record<string, string> = {}
beforeAll(async () => {
  for (const key of [RAW, ACCENTS, HEX]) {
    const path = join(temporaryFolder(), 'a.db')
    const keys = async () => [parseKey(Buffer.from(key), 'it')]
    await initDatabase({ path, keys, migrations: await shippedMigrations(), inspect: inspectElsewhere })
    databases[key] = path
  }
})

/** The words, and whether a command is named that opens the database with the key as it was given. */
type Says = [words: RegExp, command: boolean]

test.each<[situation: string, key: string, given: string | Buffer, says: Says]>([
  ['bare hex digits', RAW, HEX, [/as a raw key, written x'<its 64 hex digits>'/, true]],
  ['in upper case', RAW, `${HEX.toUpperCase()}\n`, [/as a raw key/, true]],
  ['with 0x', RAW, `0x${HEX}`, [/as a raw key/, true]],
  ['in groups', RAW, HEX.match(/.{8}/g)?.join(' ') ?? '', [/as a raw key/, true]],
  ['hex digits on two lines', RAW, `${HEX.slice(0, 60)}\n${HEX.slice(60)}\n`, [/as a raw key/, true]],
  ['base64', RAW, BYTES.toString('base64'), [/decoded from base64/, true]],
  ['base64 of addresses', RAW, BYTES.toString('base64url'), [/decoded from base64/, false]],
  ['32 bytes', RAW, BYTES, [/hex digits of its bytes/, true]],
  ['a raw key with a space after it', RAW, `${RAW} `, [/without the space at its end/, true]],
  ['a raw key in quotes', RAW, `"${RAW}"`, [/written exactly as x'<its 64 hex digits>'/, true]],
  ['a raw key in curved quotes', RAW, `x‘${HEX}’`, [/written exactly as/, true]],
  ['a raw key above other lines', RAW, `${RAW}\nuser: ada\n`, [/with only its first line/, true]],
  ['hex digits above other lines', RAW, `${HEX}\r\nuser: ada\r\n`, [/first line and as a raw key/, true]],
  [
    'a raw key with the salt of another file',
    RAW,
    `x'${HEX}${'ab'.repeat(16)}'`,
    [/first 64 of its digits/, true],
  ],
  ['digits of a passphrase in upper case', HEX, HEX.toUpperCase(), [/digits in lower case/, true]],
  ['a passphrase of digits as a raw key', HEX, RAW, [/as a passphrase, without the x/, true]],
  ['a space at the end', ACCENTS, `${ACCENTS} `, [/without the space at its end/, true]],
  ['a no-break space', ACCENTS, `${ACCENTS}\u00a0`, [/without the no-break space at its end/, false]],
  ['two newlines', ACCENTS, `${ACCENTS}\n\n`, [/without the newline at its end/, true]],
  ['what pass show prints', ACCENTS, `${ACCENTS}\nurl: x\nuser: y\n`, [/with only its first line/, true]],
  ['quotes', ACCENTS, `'${ACCENTS}'\n`, [/without the quotes around it/, true]],
  ['a byte-order mark', ACCENTS, `\ufeff${ACCENTS}\n`, [/without the byte-order mark/, true]],
  ['a NUL byte', ACCENTS, `${ACCENTS}\0`, [/without the NUL byte/, true]],
  ['UTF-16', ACCENTS, Buffer.from(`\ufeff${ACCENTS}\r\n`, 'utf16le'), [/read as UTF-16/, true]],
  ['decomposed accents', ACCENTS, ACCENTS.normalize('NFD'), [/accents composed/, false]],
])(
  '%s: the error says how the key would open the database',
  async (_situation, key, given, [words, command]) => {
    const path = databases[key] ?? ''
    const before = snapshot(join(path, '..'))
    const file = keyFile(given)
    const { message, hint, exit } = errorOf(
      await runHere(['stats', '--db', path, '--key-file', file, '--json']),
    )
    expect([12, 13]).toContain(exit)
    expect(message).toMatch(words)
    expect(message + hint).not.toContain(HEX.slice(0, 8))
    const diagnosis = await runHere(['diagnose', '--db', path, '--key-file', file])
    expect(diagnosis.stdout + diagnosis.stderr).toMatch(words)
    expect(snapshot(join(path, '..'))).toEqual(before)
    const [, named] = /libreollama-db (key test .*)$/.exec(hint) ?? []
    expect(named !== undefined).toBe(command)
    if (named === undefined) return
    // What the shell makes of it, without the time that a process takes: the words, one a line.
    const split = spawnSync('/bin/sh', ['-c', `for word in ${named}; do printf '%s\\0' "$word"; done`])
    const typed = split.stdout.toString().split('\0').slice(0, -1)
    expect(await runHere(typed)).toMatchObject({ code: 0, stderr: '' })
  },
)

test('the next step fits where the key came from', async () => {
  const path = databases[RAW] ?? ''
  const opens = (command: string) =>
    spawnSync(
      '/bin/sh',
      ['-c', command.replace(/libreollama-db (?=key)/, `"${process.execPath}" "${PROGRAM}" `)],
      {
        env: cleanEnvironment({ LIBREOLLAMA_DB_KEY: `${HEX}` }),
      },
    ).status
  const environment = await runHere(['stats', '--db', path, '--json'], { env: { LIBREOLLAMA_DB_KEY: HEX } })
  expect(opens(errorOf(environment).hint)).toBe(0)
  const command = await runHere([
    'stats',
    '--db',
    path,
    '--key-command',
    `echo ${HEX}; echo url: x`,
    '--json',
  ])
  expect(opens(errorOf(command).hint.replace(/^.*?: /, ''))).toBe(0)
  const piped = await runHere(['stats', '--db', path, '--key-file', '-', '--json'], { input: HEX })
  expect(opens(`echo ${HEX} ${errorOf(piped).hint.replace(/^.*?: /, '')}`)).toBe(0)
})

test('key status tells of the spelling as well', async () => {
  const path = databases[RAW] ?? ''
  const { code, stdout, stderr } = await runHere(['key', 'status', '--db', path, '--key-file', keyFile(HEX)])
  expect(code).toBe(3)
  expect(stdout).toMatch(/opens it +no/)
  expect(stderr).toContain('as a raw key')
})

test('a key of the format of SQLCipher 3 is found too', async () => {
  const db = fixture('phase21-passphrase.sqlcipher3.db')
  const words = ['diagnose', db, '--key-file', keyFile(`${PASSPHRASE} \n`), '--json']
  expect(JSON.parse((await runHere(words)).stdout)).toMatchObject({
    cause: 'wrong_key',
    detail: expect.stringContaining('without the space at its end'),
  })
})

test('a key that is merely wrong is called wrong', async () => {
  const path = databases[RAW] ?? ''
  const { message } = errorOf(await runHere(['stats', '--db', path, '--key-file', keyFile(' x" '), '--json']))
  expect(message).toBe(`the key does not open ${path} (or it is not a SQLCipher database)`)
})
