import { runHere } from '../helpers/in-process.ts'
import { errorOf } from '../helpers/run.ts'

test.each<[words: string, help: string, says?: RegExp]>([
  ['--nosuch', 'libreollama-db --help'],
  ['stats --nosuch', 'libreollama-db stats --help'],
  ['--key-file key stats --nosuch', 'libreollama-db stats --help'],
  ['--db stats health --nosuch', 'libreollama-db health --help'],
  ['--key-command backup session create --nosuch', 'libreollama-db session create --help'],
  ['backup prune --nosuch', 'libreollama-db backup prune --help'],
  ['backup --keep-last 3', 'libreollama-db backup --help'],
  ['backup verify a b', 'libreollama-db backup verify --help'],
  ['backup prnue', 'libreollama-db backup --help', /unknown command 'prnue' \(Did you mean prune\?\)/],
  ['migrate downn', 'libreollama-db migrate --help', /Did you mean down\?/],
  ['migrate --to x', 'libreollama-db migrate up --help'],
  ['statz', 'libreollama-db --help', /unknown command 'statz' \(Did you mean stats\?\)/],
  ['session lst', 'libreollama-db session --help', /Did you mean list\?/],
  ['session', 'list the commands: libreollama-db session --help'],
  ['key export', 'libreollama-db key export --help', /--paper/],
  ['session list --limit x', 'libreollama-db session list --help'],
  ['stats --lock-timeout x', 'libreollama-db --help'],
  ['query', 'libreollama-db query --help'],
])('%s: the hint names the command that was meant', async (words, help, says = /./) => {
  const { exit, hint, message } = errorOf(await runHere([...words.split(' '), '--json']))
  expect({ exit, hint }).toEqual({ exit: 2, hint: help })
  expect(message).toMatch(says)
  const shown = await runHere([...help.replace('list the commands: ', '').split(' ').slice(1)])
  expect({ code: shown.code, usage: shown.stdout.includes('Usage: libreollama-db') }).toEqual({
    code: 0,
    usage: true,
  })
})
