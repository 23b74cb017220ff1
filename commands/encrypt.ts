import { resolve } from 'node:path'
import type { View } from '../src/cli/output/view.ts'
import { type EncryptReport, encryptDatabase } from '../src/core/operations/encrypt.ts'
import { totalRows } from '../src/core/schema/row-counts.ts'
import type { Define } from './_define.ts'
import { andItsKey, tellNext } from './_next.ts'
import { agreeToOtherNames } from './_other-names.ts'
import { tellRecovered } from './_recovered.ts'

interface Options {
  from?: string
  generateKey?: boolean
  removePlaintext?: boolean
}

interface Result extends EncryptReport {
  /** The key file that this run generated. */
  key_file: string | null
}

const view: View<Result> = {
  fields: ['path', 'plaintext', 'removal', 'schema_version', 'counts', 'key_file', 'recovered'],
  done: ({ path, plaintext, key_file }) =>
    `the encrypted database ${path} was made${andItsKey(key_file)}; the plaintext is ${plaintext === null ? 'removed' : `in ${plaintext}`}`,
  text: ({ path, plaintext, removal, counts, key_file }, style) => {
    const rows = totalRows(counts)
    const lines = [style.bold(path), `encrypted; ${rows} rows were compared with the plaintext`]
    if (key_file)
      lines.push(`key file: ${key_file}  (without it the database cannot be read: keep a copy elsewhere)`)
    if (removal === 'done') lines.push('the plaintext file was removed')
    else if (removal !== 'unconfirmed') lines.push(`the plaintext is still there: ${plaintext ?? ''}`)
    return `${lines.join('\n')}\n`
  },
}

const define: Define = (command, context) => {
  command
    .option('--from <file>', 'the plaintext database; without it, the file at --db itself')
    .option('--generate-key', 'make a random 256-bit key and store it at --key-file or in the --keychain')
    .option('--remove-plaintext', 'remove the plaintext file when the encrypted one is in its place')
    .action(async ({ from, generateKey = false, removePlaintext }: Options) => {
      const ctx = context()
      const print = ctx.printer(view)
      const plaintext = from === undefined ? ctx.path : resolve(from)
      const isReplaced = from === undefined || removePlaintext
      const otherNames = isReplaced ? await agreeToOtherNames(ctx, plaintext) : false
      const { chooseNewKey } = await import('../src/cli/new-key.ts')
      const { newKey, keyFile } = await chooseNewKey(ctx, {
        source: ctx.keySource,
        generate: generateKey,
        fileFlag: '--key-file',
        question: 'the encrypted database needs a key',
        hint: 'name one: --key-file <path> [--generate-key], --keychain, or --key-command <cmd>; see: libreollama-db help key-sources',
      })
      const report = await encryptDatabase({
        ...ctx.database,
        ...ctx.copying,
        from: from === undefined ? undefined : resolve(from),
        newKey,
        removePlaintext,
        otherNames,
      })
      tellRecovered(ctx, report.recovered)
      await print({ ...report, key_file: keyFile })
      ctx.warn('LibreOllama itself opens only plaintext files so far: it cannot open this one')
      if (report.removal === 'failed') ctx.warn(`the plaintext could not be removed: ${report.plaintext}`)
      if (report.removal === 'unconfirmed')
        ctx.warn(
          `the plaintext was removed, but the disk did not confirm it; after a power cut look for ${report.plaintext}`,
        )
      if (removePlaintext)
        ctx.notice('parts of the removed file may survive on the disk until they are overwritten')
      if (keyFile) tellNext(ctx, keyFile)
    })
}

export default define
