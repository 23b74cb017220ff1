import { Option } from 'commander'
import type { Context } from '../src/cli/context.ts'
import type { View } from '../src/cli/output/view.ts'
import { humanBytes } from '../src/cli/terminal.ts'
import { withDatabase } from '../src/core/database/database.ts'
import type { Connection } from '../src/core/engine/connection.ts'
import { parseMoment } from '../src/core/moment.ts'
import { counted } from '../src/core/plural.ts'
import { agent as agentEntity } from '../src/core/records/entities/agent.ts'
import { session as sessionEntity } from '../src/core/records/entities/session.ts'
import { findKey } from '../src/core/records/find-record.ts'
import { requireIndex } from '../src/core/search/index-check.ts'
import { searchSessions } from '../src/core/search/search.ts'
import { type ExportReport, exportChats } from '../src/core/transfer/export/export-chats.ts'
import { checkPlace } from '../src/core/transfer/export/export-place.ts'
import { atOneMoment, type ExportSelection } from '../src/core/transfer/export/exported-chats.ts'
import { EXPORT_FORMAT_NAMES } from '../src/core/transfer/export/formats/formats.ts'
import { CHAT_LINES, requireLines } from '../src/core/transfer/export/require-lines.ts'
import type { Define } from './_define.ts'

interface Options {
  format: string
  out?: string
  session?: string[]
  agent?: string
  since?: string
  until?: string
  search?: string
}

const view: View<ExportReport> = {
  fields: ['path', 'format', 'sessions', 'bytes', 'skipped', 'converted'],
  done: ({ path }) => `the export ${path} was written`,
  text: ({ path, sessions, bytes, skipped }, style) =>
    [
      style.bold(path),
      `${counted(sessions, 'session')}, ${humanBytes(bytes)}`,
      ...skipped.map(({ id, reason }) => `left out: ${id}: ${reason}`),
      '',
    ].join('\n'),
}

const define: Define = (command, context) => {
  command
    .addOption(
      new Option('--format <name>', 'how the chats are written; jsonl is the one that loses nothing')
        .choices(EXPORT_FORMAT_NAMES)
        .default('jsonl'),
    )
    .option(
      '--out <path>',
      'a new file, or for markdown a new folder with a file for each chat; without it, or as -, stdout',
    )
    .option('--session <id...>', 'only these chats')
    .option('--agent <id>', 'only chats with this agent')
    .option('--since <time>', 'only chats changed since: 7d, 2025-06-05, or RFC 3339')
    .option('--until <time>', 'only chats changed before')
    .option('--search <text>', 'only chats in which this was said')
    .action(async (options: Options) => {
      const ctx = context()
      const print = ctx.printer(view)
      const { format } = options
      const out = options.out === '-' ? undefined : options.out
      if (out !== undefined) await checkPlace(format, out)
      const report = await withDatabase(ctx.database, (db) =>
        atOneMoment(db, async (reader) => {
          const selection = await select(ctx, reader, options)
          if (ctx.isWatched)
            ctx.warn('what is exported is not encrypted: whoever can read it can read the chats')
          return exportChats(reader, {
            format,
            selection,
            out,
            source: ctx.path,
            print: (piece) => ctx.write(piece),
            signal: ctx.host.signal,
            onProgress: ctx.copying.onProgress,
          })
        }),
      )
      for (const { id, reason } of out === undefined ? report.skipped : [])
        ctx.warn(`left out: ${id}: ${reason}`)
      if (report.converted > 0)
        ctx.warn(
          `${report.converted} records had bytes where text belongs; they were written as UTF-8 text, and U+FFFD for what is none`,
        )
      if (out !== undefined) await print(report)
    })
}

async function select(ctx: Context, reader: Connection, options: Options): Promise<ExportSelection> {
  const now = ctx.host.now()
  const { session, agent, since, until, search } = options
  if (session || agent !== undefined) await requireLines(reader, CHAT_LINES)
  const named = session && (await Promise.all(session.map((id) => findKey(reader, sessionEntity, id))))
  if (search !== undefined) await requireIndex(reader)
  const said = search === undefined ? undefined : await searchSessions(reader, search)
  const sessions = said && named ? said.filter((id) => named.includes(id)) : (said ?? named)
  return {
    ...(sessions ? { sessions } : {}),
    ...(agent === undefined ? {} : { where: { agent_id: await findKey(reader, agentEntity, agent) } }),
    ...(since === undefined ? {} : { since: parseMoment(since, now) }),
    ...(until === undefined ? {} : { until: parseMoment(until, now) }),
  }
}

export default define
