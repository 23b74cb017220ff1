import { setting } from '../src/core/records/entities/setting.ts'
import { setSetting } from '../src/core/records/settings.ts'
import { crud } from './_crud.ts'
import type { Define } from './_define.ts'
import { printRecord } from './_entity.ts'

const define: Define = (command, context) => {
  crud(command, context, setting)
  command
    .command('set')
    .description('give a setting a value, made where it is missing')
    .argument('<key>')
    .argument('<value>')
    .action((key: string, value: string) => {
      const ctx = context()
      return printRecord(ctx, setting, 'changed', (db) =>
        db.transaction((writer) => setSetting(writer, key, value, ctx.host.now())),
      )
    })
}

export default define
