import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { makeDatabase, RAW_KEY } from '../helpers/database.ts'
import { fixture, keyFile, snapshot, temporaryFolder } from '../helpers/folder.ts'
import { CTRL_C, CTRL_D, DOWN, ENTER, onTerminal, testOnTerminal } from '../helpers/terminal.ts'

type Answers = [question: RegExp, typed: string][]

testOnTerminal('Ctrl-D at the passphrase is exit 130', async () => {
  const db = fixture('phase21-passphrase.sqlcipher4.db')
  const before = snapshot(join(db, '..'))
  const { code, screen } = await onTerminal(['stats', '--db', db], [[/Passphrase or key/, CTRL_D]])
  expect(code).toBe(130)
  expect(screen).toContain('no answer was given')
  expect(snapshot(join(db, '..'))).toEqual(before)
})

testOnTerminal('Ctrl-D at a yes or no is exit 17, and leaves nothing beside the database', async () => {
  const db = await makeDatabase()
  const folder = join(db, '..')
  const before = snapshot(folder)
  const words = ['setting', 'delete', 'theme', '--db', db, '--key-file', keyFile(RAW_KEY)]
  const { code, screen } = await onTerminal(words, [[/Delete 1 setting/, CTRL_D]])
  expect({ code, native: /FATAL|stack trace/.test(screen) }).toEqual({ code: 17, native: false })
  expect(screen).toContain('DECLINED')
  expect(snapshot(folder)).toEqual(before)
})

testOnTerminal('Ctrl-D at the questions of a new key makes nothing and is exit 130', async () => {
  const folder = temporaryFolder()
  const env = { HOME: folder }
  const choice: Answers = [[/How shall/, `${DOWN}${ENTER}`]]
  for (const answers of [
    [[/How shall/, CTRL_D]],
    [...choice, [/New passphrase/, `abc${ENTER}`], [/same again/, CTRL_D]],
  ] as Answers[]) {
    const { code } = await onTerminal(['init', '--db', join(folder, 'a.db')], answers, env)
    expect(code).toBe(130)
  }
  expect(snapshot(folder)).toEqual({})
})

testOnTerminal('Ctrl-C and Ctrl-D after the database was made say what was made', async () => {
  for (const [typed, exit] of [
    [CTRL_C, 130],
    [CTRL_D, 17],
  ] as const) {
    const home = temporaryFolder()
    const db = join(home, 'my chats.db')
    const answers: Answers = [
      [/How shall/, ENTER],
      [/key sheet/, typed],
    ]
    const { code, screen } = await onTerminal(['init', '--db', db], answers, { HOME: home })
    const key = join(home, '.config', 'LibreOllama', 'database.key')
    expect(code).toBe(exit)
    expect(screen).toContain(`the database ${db} was made; its key is in ${key}`)
    expect(screen).not.toContain('nothing was changed')
    expect([db, key].map(existsSync)).toEqual([true, true])
  }
})
