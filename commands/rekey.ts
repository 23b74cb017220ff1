import { chooseKeySource } from '../src/cli/key-flags.ts'
import type { View } from '../src/cli/output/view.ts'
import { type RekeyReport, rekeyDatabase } from '../src/core/operations/rekey.ts'
import { counted } from '../src/core/plural.ts'
import { totalRows } from '../src/core/schema/row-counts.ts'
import type { Define } from './_define.ts'
import { andItsKey, tellNext } from './_next.ts'
import { agreeToOtherNames } from './_other-names.ts'
import { tellRecovered } from './_recovered.ts'

interface Options {
  newKeyFile?: string
  newKeyCommand?: string
  newKeychain?: boolean
  generateKey?: boolean
  dryRun?: boolean
}

interface Result extends RekeyReport {
  /** The key file that this run generated. */
  key_file: string | null
}

const view: View<Result> = {
  fields: [
    'path',
    'changed',
    'dry_run',
    'schema_version',
    'counts',
    'key_file',
    'backups_with_other_key',
    'recovered',
  ],
  done: ({ path, changed, key_file, backups_with_other_key: others }) => {
    const older = others.length
      ? `; ${counted(others.length, 'backup')} of it still with the key from before`
      : ''
    return changed ? `${path} has the new key${andItsKey(key_file)}${older}` : undefined
  },
  text: ({ path, changed, dry_run, counts, key_file, backups_with_other_key: others }, style) => {
    const rows = totalRows(counts)
    const lines = [style.bold(path)]
    if (dry_run)
      lines.push(`a copy with the new key was proven (${rows} rows) and thrown away; nothing was changed`)
    else if (changed)
      lines.push(`has the new key; ${rows} rows were compared, and the old key does not open it`)
    else lines.push('has the new key already')
    if (key_file) lines.push(`key file: ${key_file}`)
    if (others.length && !dry_run)
      lines.push('these backups need the key from before; keep it:', ...others.map((backup) => `  ${backup}`))
    return `${lines.join('\n')}\n`
  },
}

const define: Define = (command, context) => {
  command
    .option('--new-key-file <path>', 'file that holds the new key; - is standard input')
    .option('--new-key-command <cmd>', 'command that prints the new key')
    .option('--new-keychain', 'a generated key in the keychain of the system')
    .option('--generate-key', 'make a random 256-bit key and store it at --new-key-file')
    .option('--dry-run', 'make and prove the copy, then throw it away')
    .action(async (options: Options) => {
      const ctx = context()
      const print = ctx.printer(view)
      const otherNames = options.dryRun ? false : await agreeToOtherNames(ctx, ctx.path)
      const { chooseNewKey } = await import('../src/cli/new-key.ts')
      const { newKeyFile: keyFile, newKeyCommand: keyCommand, newKeychain: keychain } = options
      const chosen = await chooseNewKey(ctx, {
        source: chooseKeySource({ keyFile, keyCommand, keychain }, {}, 'new-'),
        generate: options.generateKey ?? false,
        fileFlag: '--new-key-file',
        question: 'the new key is needed',
        hint: 'name it: --new-key-file <path> [--generate-key], --new-key-command <cmd>, or --new-keychain',
      })
      const { newKey } = chosen
      const { dryRun } = options
      const report = await rekeyDatabase({ ...ctx.database, ...ctx.copying, newKey, dryRun, otherNames })
      tellRecovered(ctx, report.recovered)
      await print({ ...report, key_file: dryRun ? null : chosen.keyFile })
      if (chosen.keyFile && !dryRun) tellNext(ctx, chosen.keyFile)
    })
}

export default define
