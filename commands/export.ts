import { resolve } from 'node:path'
import { Option } from 'commander'
import type { Context } from '../src/cli/context.ts'
import { hasNoReader, write } from '../src/cli/host.ts'
import type { View } from '../src/cli/output.ts'
import { humanBytes, safe } from '../src/cli/terminal.ts'
import type { Connection } from '../src/core/connection.ts'
import { withDatabase } from '../src/core/database.ts'
import { agent as agentEntity } from '../src/core/entities/agent.ts'
import { session as sessionEntity } from '../src/core/entities/session.ts'
import { findKey } from '../src/core/find-record.ts'
import { parseMoment } from '../src/core/moment.ts'
import { searchMessages } from '../src/core/search.ts'
import { EXPORT_FORMAT_NAMES, loadExportFormat } from '../src/core/transfer/export/formats.ts'
import { atOneMoment, type ExportSelection, exportedChats, jsonLines } from '../src/core/transfer/export.ts'
import { writeFolder, writeNewFile } from '../src/core/transfer/write-export.ts'
import type { Define } from './index.ts'

interface Options {
  format: string
  out?: string
  session?: string[]
  agent?: string
  since?: string
  until?: string
  search?: string
}

interface Result {
  path: string
  format: string
  sessions: number
  bytes: number
  /** Chats that the format cannot hold, with the reason. */
  skipped: { id: string; reason: string }[]
}

const view: View<Result> = {
  fields: ['path', 'format', 'sessions', 'bytes', 'skipped'],
  text: ({ path, sessions, bytes, skipped }, style) =>
    [
      style.bold(safe(path)),
      `${sessions} sessions, ${humanBytes(bytes)}`,
      ...skipped.map(({ id, reason }) => `left out: ${safe(id)}: ${safe(reason)}`),
      '',
    ].join('\n'),
}

const define: Define = (command, context) => {
  command
    .addOption(
      new Option('--format <name>', 'how the chats are written; jsonl is the one that loses nothing')
        .choices(['jsonl', ...EXPORT_FORMAT_NAMES])
        .default('jsonl'),
    )
    .option(
      '--out <path>',
      'a new file, or for markdown a folder with a file for each chat; without it, stdout',
    )
    .option('--session <id…>', 'only these chats', (id: string, ids: string[] = []) => [...ids, id])
    .option('--agent <id>', 'only chats with this agent')
    .option('--since <time>', 'only chats changed since: 7d, 2025-06-05, or RFC 3339')
    .option('--until <time>', 'only chats changed before')
    .option('--search <text>', 'only chats in which this was said')
    .action(async (options: Options) => {
      const ctx = context()
      const print = ctx.printer(view)
      const { format } = options
      const result: Result = { path: '', format, sessions: 0, bytes: 0, skipped: [] }
      await withDatabase(ctx.database, (db) =>
        atOneMoment(db, async (reader) => {
          const selection = await select(ctx, reader, options)
          await exportTo(ctx, reader, selection, options, result)
        }),
      )
      if (ctx.hasPerson)
        ctx.warn('what was exported is not encrypted: whoever can read it can read the chats')
      for (const { id, reason } of options.out ? [] : result.skipped) ctx.warn(`left out: ${id}: ${reason}`)
      if (options.out) await print(result)
    })
}

async function exportTo(
  ctx: Context,
  reader: Connection,
  selection: ExportSelection,
  { format: name, out }: Options,
  result: Result,
): Promise<void> {
  const onSkipped = (id: string, reason: string) => {
    result.skipped.push({ id, reason })
    result.sessions--
  }
  const onSession = () => {
    result.sessions++
    ctx.copying.onProgress?.({ phase: 'exporting' })
    ctx.host.signal.throwIfAborted()
  }
  async function* chats() {
    for await (const chat of exportedChats(reader, selection)) {
      onSession()
      yield chat
    }
  }
  const format = name === 'jsonl' ? undefined : await loadExportFormat(name)
  if (out !== undefined && format?.fileName) {
    result.path = resolve(out)
    Object.assign(result, { bytes: (await writeFolder(result.path, format, chats(), { onSkipped })).bytes })
    return
  }
  const pieces = format ? format.write(chats(), { onSkipped }) : jsonLines(reader, selection, onSession)
  if (out === undefined) return print(ctx, pieces)
  result.path = resolve(out)
  result.bytes = await writeNewFile(result.path, pieces)
}

async function print(ctx: Context, pieces: AsyncIterable<string | Uint8Array>): Promise<void> {
  for await (const piece of pieces) {
    await write(ctx.host.stdout, piece)
    if (hasNoReader(ctx.host.stdout)) return
  }
}

async function select(ctx: Context, reader: Connection, options: Options): Promise<ExportSelection> {
  const now = ctx.host.now()
  const { session, agent, since, until, search } = options
  const named = session && (await Promise.all(session.map((id) => findKey(reader, sessionEntity, id))))
  const found = search === undefined ? undefined : await searchMessages(reader, search)
  const said = found && new Set(found.map(({ session_id }) => String(session_id)))
  return {
    ...(named || said
      ? { sessions: said ? [...said].filter((id) => !named || named.includes(id)) : named }
      : {}),
    ...(agent === undefined ? {} : { where: { agent_id: await findKey(reader, agentEntity, agent) } }),
    ...(since === undefined ? {} : { since: parseMoment(since, now) }),
    ...(until === undefined ? {} : { until: parseMoment(until, now) }),
  }
}

export default define
