// `npm start`: the main task, for real, in demo/: an encrypted database with a generated key, sample chats,
// and a view of them.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuild, ensurePackages, run } from './ensure.mjs'

ensurePackages()
ensureBuild()

const root = join(import.meta.dirname, '..')
const program = join(root, 'dist', 'cli', 'libreollama-db.js')
const db = join('demo', 'database.db')
const keyFile = join('demo', 'database.key')

command('init', ...(existsSync(join(root, keyFile)) ? [] : ['--generate-key']))
const { fillWithSamples } = await import('./sample-chats.mjs')
const added = await fillWithSamples(join(root, db), join(root, keyFile))
console.log(added ? `\n${added} sample messages added.` : '\nThe sample messages are there already.')
command('stats')
command('health')
console.log(`
Try next, in this folder:

  export LIBREOLLAMA_DB=${db} LIBREOLLAMA_DB_KEY_FILE=${keyFile}
  alias libreollama-db="node dist/cli/libreollama-db.js"
  libreollama-db session list
  libreollama-db search bread
  libreollama-db stats --json
  libreollama-db migrate status
  libreollama-db verify-schema
  libreollama-db --help
`)

function command(...words) {
  console.log(`\n$ libreollama-db --db ${db} --key-file ${keyFile} ${words.join(' ')}`)
  run(process.execPath, [program, '--db', db, '--key-file', keyFile, ...words])
}
