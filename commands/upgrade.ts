import { type CipherOptions, cipherOptions, readCipherSettings } from '../src/cli/cipher-options.ts'
import type { View } from '../src/cli/output/view.ts'
import { type UpgradeReport, upgradeDatabase } from '../src/core/operations/upgrade.ts'
import type { Define } from './_define.ts'
import { agreeToOtherNames } from './_other-names.ts'
import { tellRecovered } from './_recovered.ts'

const view: View<UpgradeReport> = {
  fields: ['path', 'changed', 'previous', 'recovered'],
  done: ({ path, changed, previous }) =>
    changed ? `${path} is in SQLCipher 4 format now; the file from before is ${previous}` : undefined,
  text: ({ path, changed, previous }, style) =>
    changed
      ? `${style.bold(path)}\nis in SQLCipher 4 format now, under the same key\nthe file from before: ${previous ?? ''}\n`
      : `${style.bold(path)}\nnothing to do: it is in SQLCipher 4 format\n`,
}

const define: Define = (command, context) => {
  cipherOptions(command).action(async (options: CipherOptions) => {
    const ctx = context()
    const knownSettings = readCipherSettings(options)
    const print = ctx.printer(view)
    const otherNames = await agreeToOtherNames(ctx, ctx.path)
    const report = await upgradeDatabase({ ...ctx.database, ...ctx.copying, otherNames, knownSettings })
    tellRecovered(ctx, report.recovered)
    await print(report)
  })
}

export default define
