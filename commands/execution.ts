import { columnOptions, readColumns } from '../src/cli/entity-options.ts'
import { execution } from '../src/core/records/entities/execution.ts'
import { createExecutions, type Ending, endExecution } from '../src/core/records/executions.ts'
import { creation, crud } from './_crud.ts'
import type { Define } from './_define.ts'
import { printRecord } from './_entity.ts'

const define: Define = (command, context) => {
  crud(command, context, execution, createExecutions)

  const start = command.command('start').description('record that an agent begins')
  creation(start, context, execution, createExecutions, columnsOf('agent', 'session', 'input', 'metadata'))

  const ending = (verb: string, summary: string, status: Ending, ...flags: string[]) =>
    columnOptions(
      command.command(verb).description(summary).argument('<id>'),
      { ...execution, columns: columnsOf(...flags) },
      'create',
    ).action(async (named: string, options) => {
      const ctx = context()
      const input = await readColumns(ctx.host, execution, options)
      await printRecord(ctx, execution, 'changed', (db) =>
        db.transaction((writer) => endExecution(writer, named, status, input, ctx.host.now())),
      )
    })
  ending('complete', 'record what a running agent gave', 'completed', 'result')
  ending('fail', 'record why a running agent failed', 'failed', 'error')
  ending('cancel', 'record that a running agent was stopped', 'cancelled')
}

/** The columns that these options carry. */
function columnsOf(...flags: string[]) {
  return execution.columns.filter(({ flag }) => flag !== undefined && flags.includes(flag))
}

export default define
