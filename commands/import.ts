import { resolve } from 'node:path'
import { InvalidArgumentError, Option } from 'commander'
import { type CipherOptions, cipherOptions, readCipherSettings } from '../src/cli/cipher-options.ts'
import type { Context } from '../src/cli/context.ts'
import { chooseKeySource } from '../src/cli/key-flags.ts'
import type { View } from '../src/cli/output/view.ts'
import { type Database, withDatabase } from '../src/core/database/database.ts'
import type { ForeignKeys } from '../src/core/database/foreign-database.ts'
import { AppError, exitCodeOf } from '../src/core/errors.ts'
import { exists } from '../src/core/files/file-facts.ts'
import { initDatabase } from '../src/core/operations/init.ts'
import { counted } from '../src/core/plural.ts'
import { hasImportable, type ImportReport, importChats } from '../src/core/transfer/import/import-chats.ts'
import { COUNTED, describeCounts } from '../src/core/transfer/import/import-counts.ts'
import { SOURCES } from '../src/core/transfer/import/import-formats.ts'
import type { ImportOptions } from '../src/core/transfer/import/import-options.ts'
import { RejectFile } from '../src/core/transfer/import/reject-file.ts'
import type { Include } from '../src/core/transfer/import/row-options.ts'
import { requireSource } from '../src/core/transfer/import/source-files.ts'
import type { Define } from './_define.ts'
import { andItsKey, tellNext } from './_next.ts'

interface Options extends CipherOptions {
  sourceKeyFile?: string
  sourceKeyCommand?: string
  from: ImportOptions['from']
  onConflict: ImportOptions['onConflict']
  branches: ImportOptions['branches']
  include?: ReadonlySet<Include>
  sourceTimezone?: string
  rejectFile?: string
  dryRun?: boolean
}

const OTHERS = ['agents', 'settings', 'executions'] as const

const view: View<ImportReport> = {
  fields: ['formats', 'files', 'ignored', ...COUNTED, 'refused', 'refusals', 'converted', 'dry_run'],
  done: (report) => {
    const changes = report.dry_run ? '' : describeCounts(report)
    return changes === '' ? undefined : `imported: ${changes}`
  },
  text: (report, style) => {
    const { formats, files, ignored, refused, refusals, dry_run } = report
    const line = (noun: 'sessions' | (typeof OTHERS)[number]) =>
      `${noun.padEnd(10)}  ${report[`${noun}_added`]} new, ${report[`${noun}_updated`]} changed, ${report[`${noun}_unchanged`]} as they were`
    const removed = report.messages_removed > 0 ? `, ${report.messages_removed} removed` : ''
    const lines = [
      `${style.bold(formats.join(', ') || 'nothing')} in ${counted(files, 'file')}${ignored ? `, ${counted(ignored, 'other')} left alone` : ''}`,
      line('sessions'),
      `messages    ${report.messages_added} new, ${report.messages_updated} changed${removed}`,
      ...OTHERS.filter(
        (noun) => report[`${noun}_added`] + report[`${noun}_updated`] + report[`${noun}_unchanged`],
      ).map(line),
      ...(refused ? [style.bad(`refused     ${refused}`)] : []),
      ...refusals.map(
        ({ file, line, id, reason }) =>
          `  ${file}${line ? `, line ${line}` : ''}${id ? `, ${id}` : ''}: ${reason}`,
      ),
      ...(dry_run ? ['nothing was changed'] : []),
    ]
    return `${lines.join('\n')}\n`
  },
}

const define: Define = (command, context) => {
  command
    .argument('<path>', 'a file, a folder, or a zip archive')
    .addOption(
      new Option('--from <format>', 'the format; told by the content by default')
        .choices(['auto', ...SOURCES])
        .default('auto'),
    )
    .addOption(
      new Option(
        '--on-conflict <what>',
        'what is there already: leave it, replace it, or where the source is newer',
      )
        .choices(['skip', 'replace', 'newer'])
        .default('skip'),
    )
    .addOption(
      new Option(
        '--branches <which>',
        'only the active path of a chat, or its other paths as further sessions',
      )
        .choices(['active', 'all'])
        .default('active'),
    )
    .option(
      '--include <what>',
      'make these messages too, a,b: reasoning, tools, hidden; else they are in metadata',
      includes,
    )
    .option(
      '--source-timezone <zone>',
      'where LibreOllama ran that stored local times; here by default',
      timeZone,
    )
    .option(
      '--reject-file <path>',
      'a new file for everything that is refused, with the reason, as JSON lines',
    )
    .option('--source-key-file <path>', 'file with the key of a source that is an encrypted database')
    .option('--source-key-command <cmd>', 'command that prints the key of such a source')
    .option('--dry-run', 'tell what would come in and change nothing')
  cipherOptions(command).action(async (path: string, options: Options) => {
    const ctx = context()
    const encrypted = sourceKeys(ctx, options)
    const print = ctx.printer(view)
    if (path === '')
      throw new AppError('USAGE', 'the path to import is empty', {
        hint: 'name the file, folder or archive to import; is a variable of the script not set?',
      })
    await requireSource(resolve(path))
    const rejects = options.rejectFile ? await RejectFile.at(resolve(options.rejectFile)) : undefined
    const request: ImportOptions = {
      path: resolve(path),
      from: options.from,
      onConflict: options.onConflict,
      branches: options.branches,
      include: options.include ?? new Set(),
      timeZone: options.sourceTimezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
      dryRun: options.dryRun ?? false,
      encrypted,
      now: ctx.host.now,
      signal: ctx.host.signal,
      onProgress: ctx.copying.onProgress,
      onRefused: (refusal) => rejects?.add(refusal) ?? Promise.resolve(),
    }
    const report = await inDatabase(ctx, request, (db) => importChats(db, request)).finally(() =>
      rejects?.close(),
    )
    if (report.converted > 0)
      ctx.warn(`${report.converted} texts had half characters, which UTF-8 cannot hold; they are U+FFFD now`)
    if (report.refused > 0) ctx.exitCode = exitCodeOf('INVALID')
    await print(report)
  })
}

/**
 * Returns how to open an encrypted source; undefined when no key was named. Throws USAGE for cipher options
 * without one.
 */
function sourceKeys(ctx: Context, options: Options): ForeignKeys | undefined {
  const { sourceKeyFile: keyFile, sourceKeyCommand: keyCommand } = options
  const knownSettings = readCipherSettings(options)
  const source = chooseKeySource({ keyFile, keyCommand }, {}, 'source-')
  if (source) return { keys: (salt) => ctx.readKeys(source, salt), knownSettings }
  if (Object.keys(knownSettings).length === 0) return undefined
  throw new AppError('USAGE', 'the cipher options are for an encrypted source, and its key is not named', {
    hint: 'add --source-key-file <path> or --source-key-command <cmd>',
  })
}

/** Opens the database, after creating it if it does not exist; a dry run creates none. */
async function inDatabase<T>(
  ctx: Context,
  request: ImportOptions,
  work: (db: Database | undefined) => Promise<T>,
): Promise<T> {
  const { dryRun } = request
  if (!(await exists(ctx.path))) {
    if (dryRun) return work(undefined)
    if (!(await hasImportable(request))) {
      throw new AppError('INVALID', `nothing in ${request.path} can be imported; no database was made`, {
        hint: { step: 'find_formats', formats: SOURCES },
      })
    }
    const { chooseNewKey } = await import('../src/cli/new-key.ts')
    const { newKey, keyFile, inKeychain, source } = await chooseNewKey(ctx, {
      source: ctx.keySource,
      generate: false,
      fileFlag: '--key-file',
      question: 'there is no database yet, and a new one needs a key',
      hint: `name a key with --key-file <path>, or make it first: ${ctx.commandLine('init')}`,
    })
    const migrations = await ctx.migrations()
    await initDatabase({ ...ctx.database, ...ctx.copying, migrations, newKey })
    const made = `the database ${ctx.path} was made${andItsKey(keyFile, inKeychain)}`
    ctx.did(made, false)
    ctx.notice(made)
    if (keyFile) tellNext(ctx, keyFile)
    ctx.useKeySource(source)
  }
  // The signal takes effect between two chats, so that what is finished can be committed.
  return withDatabase({ ...ctx.database, signal: undefined, access: dryRun ? 'read' : 'write' }, work)
}

function includes(text: string): ReadonlySet<Include> {
  const names = text.split(',').map((name) => name.trim())
  const wrong = names.find((name) => !['reasoning', 'tools', 'hidden'].includes(name))
  if (wrong !== undefined) throw new InvalidArgumentError('It is a list of reasoning, tools and hidden.')
  return new Set(names as Include[])
}

function timeZone(name: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
  } catch {
    throw new InvalidArgumentError('It is the name of a time zone, such as Europe/Berlin.')
  }
}

export default define
