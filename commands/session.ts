import { deletionView } from '../src/cli/entity-view.ts'
import { parseMoment } from '../src/core/moment.ts'
import { session } from '../src/core/records/entities/session.ts'
import { findPrunable } from '../src/core/records/prune-sessions.ts'
import { deleteKeys, previewDeletion } from '../src/core/records/repository.ts'
import { crud } from './_crud.ts'
import type { Define } from './_define.ts'
import { change, withEntity } from './_entity.ts'

const define: Define = (command, context) => {
  crud(command, context, session)
  for (const [verb, summary, archived] of [
    ['archive', 'put a session away', true],
    ['unarchive', 'take a session back', false],
  ] as const) {
    command
      .command(verb)
      .description(summary)
      .argument('<id>')
      .action((named: string) => change(context(), session, named, { is_archived: archived }))
  }

  command
    .command('prune')
    .description('delete sessions that have not changed for long, with their messages')
    .requiredOption('--before <time>', 'not changed since: 90d, 2025-06-05, or RFC 3339')
    .option('--archived', 'only archived ones')
    .option('--dry-run', 'tell what would go and change nothing')
    .action(
      async ({ before, archived, dryRun }: { before: string; archived?: boolean; dryRun?: boolean }) => {
        const ctx = context()
        const print = ctx.printer(deletionView(session))
        const moment = parseMoment(before, ctx.host.now())
        await withEntity(ctx, session, dryRun ? 'read' : 'write', async (db) => {
          const keys = await db.read((reader) => findPrunable(reader, moment, archived ?? false))
          const preview = await db.read((reader) => previewDeletion(reader, session, keys))
          if (dryRun || keys.length === 0) return print({ ...preview, dry_run: dryRun ?? false })
          await ctx.confirm(
            `Delete ${keys.length} sessions with ${preview.cascaded.chat_messages ?? 0} messages?`,
          )
          // Queried again inside the transaction: what was changed meanwhile stays.
          const deletion = await db.transaction(async (writer) =>
            deleteKeys(writer, session, await findPrunable(writer, moment, archived ?? false)),
          )
          await print(deletion)
        })
      },
    )
}

export default define
