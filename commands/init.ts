import type { Context } from '../src/cli/context.ts'
import type { View } from '../src/cli/output.ts'
import { AppError } from '../src/core/errors.ts'
import { exists } from '../src/core/file-facts.ts'
import { type InitReport, initDatabase } from '../src/core/init.ts'
import { generateKeyFile } from '../src/core/key-file.ts'
import { defaultKeyFile } from '../src/core/location.ts'
import type { Define } from './index.ts'

interface InitResult extends InitReport {
  /** The key file that this run generated. */
  key_file: string | null
}

const view: View<InitResult> = {
  fields: ['path', 'schema_version', 'created', 'applied', 'backup', 'key_file'],
  text: ({ path, schema_version, created, applied, backup, key_file }, style) => {
    const done = created ? 'made' : applied.length ? 'migrated' : 'nothing to do, it was there already'
    const lines = [`${style.bold(path)}`, `schema version ${schema_version} (${done})`]
    if (backup) lines.push(`copy from before: ${backup}`)
    if (key_file)
      lines.push(`key file: ${key_file}  (without it the database cannot be read: keep a copy elsewhere)`)
    return `${lines.join('\n')}\n`
  },
}

const define: Define = (command, context) => {
  command
    .option('--generate-key', 'make a random 256-bit key and store it at --key-file')
    .action(async ({ generateKey }: { generateKey?: boolean }) => {
      const ctx = context()
      const print = ctx.printer(view)
      const migrations = await ctx.migrations()
      const made = (await exists(ctx.path)) ? null : await chooseKey(ctx, generateKey ?? false)
      const report = await initDatabase({ ...ctx.database, migrations, now: ctx.host.now }).catch(
        async (error) => {
          // A key may only go when no database can need it: not even one that appeared just before the failure.
          if (made && !(await exists(ctx.path))) await made.discard()
          throw error
        },
      )
      await print({ ...report, key_file: made?.path ?? null })
      if (made) ctx.notice(`next: export LIBREOLLAMA_DB_KEY_FILE=${made.path} && libreollama-db stats`)
    })
}

/** The key of a new database: generated, from the named source, or as the person chooses. */
async function chooseKey(ctx: Context, generate: boolean) {
  const source = ctx.keySource
  if (generate) return generateAt(ctx, source?.kind === 'file' ? source.path : undefined)
  if (source) return null
  ctx.requirePerson(
    'a new database needs a key',
    'name one: --key-file <path> --generate-key, --key-file <path>, or --key-command <cmd>; see libreollama-db help key-sources',
  )
  const { askProtection } = await import('../src/cli/prompt.ts')
  const protection = await askProtection(ctx.host, defaultKeyFile())
  if (protection.kind === 'key-file') return generateAt(ctx, defaultKeyFile())
  ctx.useKeySource({ kind: 'typed', text: protection.passphrase })
  return null
}

async function generateAt(ctx: Context, path: string | undefined) {
  if (path === undefined || path === '-') {
    throw new AppError('USAGE', '--generate-key stores the new key in a file, and none is named', {
      hint: 'add --key-file <path>',
    })
  }
  const made = await generateKeyFile(path)
  ctx.useKeySource({ kind: 'file', path: made.path })
  return made
}

export default define
