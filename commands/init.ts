import { commandLine } from '../src/cli/command-line.ts'
import type { View } from '../src/cli/output/view.ts'
import { exists } from '../src/core/files/file-facts.ts'
import { recover } from '../src/core/files/recovery.ts'
import { tidyKeyFile } from '../src/core/keys/key-file.ts'
import { type InitReport, initDatabase } from '../src/core/operations/init.ts'
import type { Define } from './_define.ts'
import { andItsKey, tellNext } from './_next.ts'

interface InitResult extends InitReport {
  /** The key file that this run generated. */
  key_file: string | null
  /** True when this run stored a key in the keychain. */
  keychain: boolean
}

const view: View<InitResult> = {
  fields: ['path', 'schema_version', 'created', 'applied', 'backup', 'key_file', 'keychain'],
  done: ({ path, schema_version, created, applied, key_file, keychain }) => {
    if (created) return `the database ${path} was made${andItsKey(key_file, keychain)}`
    return applied.length ? `${path} was migrated to version ${schema_version}` : undefined
  },
  text: ({ path, schema_version, created, applied, backup, key_file, keychain }, style) => {
    const done = created ? 'made' : applied.length ? 'migrated' : 'nothing to do, it was there already'
    const lines = [`${style.bold(path)}`, `schema version ${schema_version} (${done})`]
    if (backup) lines.push(`copy from before: ${backup}`)
    if (key_file)
      lines.push(`key file: ${key_file}  (without it the database cannot be read: keep a copy elsewhere)`)
    if (keychain)
      lines.push(
        `key: in the keychain of the system (${commandLine(['key', 'export', '--paper'], { db: path })} shows it)`,
      )
    return `${lines.join('\n')}\n`
  },
}

const define: Define = (command, context) => {
  command
    .option('--generate-key', 'make a random 256-bit key and store it at --key-file or in the --keychain')
    .option('--add-tables', "make the tables beside those of another program's database, after a copy")
    .action(async ({ generateKey = false, addTables }: { generateKey?: boolean; addTables?: boolean }) => {
      const ctx = context()
      const print = ctx.printer(view)
      const migrations = await ctx.migrations()
      await recover(ctx.path)
      const { keySource } = ctx
      if (keySource?.kind === 'file' && keySource.path !== '-') await tidyKeyFile(keySource.path)
      const { chooseNewKey } = await import('../src/cli/new-key.ts')
      const chosen = (await exists(ctx.path))
        ? null
        : await chooseNewKey(ctx, {
            source: keySource,
            generate: generateKey,
            fileFlag: '--key-file',
            question: 'a new database needs a key',
            hint: 'name one: --key-file <path> [--generate-key], --keychain, or --key-command <cmd>; see: libreollama-db help key-sources',
          })
      const options = { ...ctx.database, ...ctx.copying, migrations, addTables, newKey: chosen?.newKey }
      const report = await initDatabase(options)
      const keyFile = chosen?.keyFile ?? null
      await print({ ...report, key_file: keyFile, keychain: report.created && Boolean(chosen?.inKeychain) })
      if (keyFile) tellNext(ctx, keyFile)
      if (chosen && ctx.hasPerson && !ctx.keySource) {
        ctx.useKeySource(chosen.source)
        if (await ctx.agrees('Show a key sheet, to print or to write down?')) {
          const { keySheet } = await import('./key.ts')
          for (const line of `\n${await keySheet(ctx)}`.split('\n')) ctx.notice(line)
        }
      }
    })
}

export default define
