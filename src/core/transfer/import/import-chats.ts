import type { Database } from '../../database/database.ts'
import type { Connection } from '../../engine/connection.ts'
import { AppError } from '../../errors.ts'
import type { Imported } from '../conversation.ts'
import { isJsonlHeader, isWholeExport } from '../jsonl.ts'
import { describeCounts, type ImportCounts } from './import-counts.ts'
import { TOO_DEEP } from './import-format.ts'
import type { SourceName } from './import-formats.ts'
import type { ImportItem, Refusal } from './import-items.ts'
import { checkImportOptions, type ImportOptions } from './import-options.ts'
import { checkHeader, LineReader, type LineRefusal } from './line-reader.ts'
import { withQuickCommits } from './quick-commits.ts'
import { agentRow, executionRow, settingRow } from './record-rows.ts'
import { toRows } from './rows.ts'
import { type SourceFile, sourceFiles } from './source-files.ts'
import { type Found, readSource } from './sources.ts'
import { ImportWriter, refusesItem } from './write-import.ts'

/** The result of an import. */
export interface ImportReport extends ImportCounts {
  /** The detected formats. */
  formats: SourceName[]
  files: number
  /** Files of unknown formats in a folder or an archive. */
  ignored: number
  refused: number
  /** The first hundred refusals. */
  refusals: Refusal[]
  /** Texts in which characters that UTF-8 cannot represent became U+FFFD. */
  converted: number
  dry_run: boolean
}

const MOST_REFUSALS = 100

/**
 * Returns true when there is anything to import. Reads no further than the first of it; throws what an import
 * would throw for a source that cannot be read.
 */
export async function hasImportable(options: ImportOptions): Promise<boolean> {
  checkImportOptions(options)
  for await (const file of sourceFiles(options.path)) {
    try {
      for await (const pieces of readSource(file, { ...options, onBytes: () => {} }))
        for (const piece of pieces)
          if (!('imported' in piece && piece.imported.kind === 'refused')) return true
    } catch (error) {
      if (file.named || !(error instanceof AppError)) throw error
    }
  }
  return false
}

/**
 * Imports chats, each completely or not at all: what is finished stays when its signal interrupts it, and
 * importing again adds only what is new. Without a database it reports what would be imported. Throws INVALID
 * for a file of unknown format, IO when the disk fills up.
 */
export async function importChats(db: Database | undefined, options: ImportOptions): Promise<ImportReport> {
  checkImportOptions(options)
  if (!db) return runImport(undefined, options)
  if (options.dryRun) return db.read((reader) => runImport(reader, options))
  return db.exclusively(async (writer) => {
    const outcome: { failure?: unknown } = {}
    const run = () =>
      runImport(writer, options, () => db.refuseReplaced()).catch((error) => {
        outcome.failure = error
        throw error
      })
    // After a disk failure, restoring the settings may fail too: the first error is the one to report.
    return withQuickCommits(writer, run).catch((error) => {
      throw outcome.failure ?? error
    })
  })
}

async function runImport(
  connection: Connection | undefined,
  options: ImportOptions,
  onBegin?: () => Promise<void>,
): Promise<ImportReport> {
  const run = new ImportRun(connection, options, onBegin)
  try {
    await takeAll(run, options).catch(async (error) => {
      if (!options.signal?.aborted) throw error
      await run.writer.finish()
      throw stopped(options.signal.reason, run.finished())
    })
    await run.writer.finish()
    return run.finished()
  } catch (error) {
    await run.writer.abandon()
    throw error
  }
}

/** Creates the error for an interrupted import: what is finished stays, and the error says what that is. */
function stopped(reason: unknown, report: ImportReport): unknown {
  const changes = describeCounts(report)
  if (!(reason instanceof AppError) || changes === '' || report.dry_run) return reason
  return new AppError(reason.code, `${reason.message}; what was imported before stays: ${changes}`, {
    hint: 'import the same again: only what is missing will be added',
    cause: reason,
  })
}

async function takeAll(run: ImportRun, { path }: ImportOptions): Promise<void> {
  for await (const file of sourceFiles(path)) await run.take(file)
}

class ImportRun {
  readonly writer: ImportWriter
  readonly #report: ImportReport
  readonly #options: ImportOptions
  readonly #formats = new Set<SourceName>()
  /** True when the next lines are those of a whole database, of which none has been imported yet. */
  #isWhole = false
  /** Bytes of the files already read, and of the file being read. */
  #passed = 0
  readonly #agents = new Set<string>()
  readonly #sessions = new Set<string>()

  constructor(connection: Connection | undefined, options: ImportOptions, onBegin?: () => Promise<void>) {
    this.#options = options
    this.writer = new ImportWriter(connection, {
      ...options,
      onBegin,
      onRefused: (refusal) => this.#refuse(refusal),
    })
    const counts = this.writer.counts
    this.#report = {
      ...counts,
      formats: [],
      files: 0,
      ignored: 0,
      refused: 0,
      refusals: [],
      converted: 0,
      dry_run: options.dryRun,
    }
  }

  /** Returns the report, when everything is written. */
  finished(): ImportReport {
    return Object.assign(this.#report, this.writer.counts, { formats: [...this.#formats] })
  }

  async take(file: SourceFile): Promise<void> {
    const { from, timeZone, encrypted, onProgress } = this.#options
    const lines = new LineReader(file.name)
    const before = this.#passed
    const onBytes = (bytes: number) => {
      this.#passed = Math.min(this.#passed + bytes, before + file.size)
      onProgress?.({ phase: 'importing', part: this.#passed / file.total, bytes: this.#passed })
    }
    const formats = this.#formats.size
    let found = 0
    try {
      for await (const pieces of readSource(file, { from, timeZone, encrypted, onBytes })) {
        this.#options.signal?.throwIfAborted()
        for (const piece of pieces) {
          found++
          this.#formats.add(piece.source)
          await this.#takePiece(file, piece, lines)
        }
      }
      await this.#writeAll(lines.end())
    } catch (error) {
      // An error in one file concerns that file; when nothing else was given, that is all there is to report.
      const isOfFile =
        error instanceof AppError && error !== this.writer.failure && !this.#options.signal?.aborted
      if (!isOfFile || (file.named && (found === 0 || error.code === 'CORRUPT'))) throw error
      await this.#refuse({ file: file.name, id: null, reason: error.message })
    }
    this.#passed = before + file.size
    const known = found > 0 || this.#formats.size > formats || file.named
    this.#report[known ? 'files' : 'ignored']++
  }

  async #takePiece(file: SourceFile, piece: Found, lines: LineReader): Promise<void> {
    if ('chats' in piece) return this.#writeAll([...lines.end(), piece.chats])
    if ('line' in piece) {
      if (isJsonlHeader(piece.line)) {
        checkHeader(piece.line)
        this.#isWhole = isWholeExport(piece.line)
      }
      return this.#writeAll(lines.take(piece.line, piece.text, piece.at))
    }
    const { source, imported } = piece
    if (imported.kind === 'refused') {
      const { id, message } = imported.refused
      await this.#refuse({ file: file.name, line: piece.at, id, reason: message })
      return
    }
    const id = imported.kind === 'conversation' ? imported.conversation.id : null
    if (imported.kind === 'conversation' && !this.#options.dryRun)
      await file.assets?.describe(imported.conversation)
    await this.#guard(file, id, () => this.#writeAll(this.#itemsOf(file.name, source, imported)))
  }

  *#itemsOf(
    file: string,
    source: string,
    imported: Exclude<Imported, { kind: 'refused' }>,
  ): Generator<ImportItem> {
    const { branches, include, now } = this.#options
    switch (imported.kind) {
      case 'agent': {
        const row = agentRow(source, imported.agent, now())
        this.#agents.add(String(row.get('id')))
        yield { kind: 'record', file, table: 'agents', row }
        return
      }
      case 'execution': {
        const row = executionRow(source, imported.execution, now())
        if (!this.#sessions.has(String(row.get('session_id')))) row.set('session_id', null)
        yield { kind: 'record', file, table: 'agent_executions', row }
        return
      }
      case 'setting':
        yield { kind: 'record', file, table: 'settings', row: settingRow(imported.setting, now()) }
        return
      case 'conversation':
        for (const rows of toRows(imported.conversation, { source, branches, include })) {
          this.#report.converted += rows.converted ?? 0
          if (!this.#agents.has(String(rows.session.get('agent_id')))) rows.session.set('agent_id', null)
          const id = String(rows.session.get('id'))
          if (source === 'libreollama') this.#sessions.add(id) // its runs of agents come later
          yield { kind: 'session', file, id, rows }
        }
    }
  }

  async #writeAll(items: Iterable<ImportItem | LineRefusal>): Promise<void> {
    for (const item of items) {
      if (item.kind === 'refused') {
        await this.#refuse(item)
        continue
      }
      // A whole export restores what it was made from; what `init` put into an empty database would be in
      // addition to that.
      if (this.#isWhole) await this.writer.clearUntouched()
      this.#isWhole = false
      if (await this.#add(item)) await this.writer.flush()
    }
  }

  /** Adds an item; resolves to true when it is time to write. */
  async #add(item: ImportItem): Promise<boolean> {
    try {
      return this.writer.add(item)
    } catch (error) {
      if (!refusesItem(error)) throw error
      await this.#refuse({
        file: item.file,
        id: item.kind === 'session' ? item.id : null,
        reason: error.message,
      })
      return false
    }
  }

  /**
   * Runs `work` on one piece: an error in the data concerns only that piece; any other error ends the import.
   */
  async #guard(file: SourceFile, id: string | null, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const reason = refusesItem(error) ? error.message : error instanceof RangeError ? TOO_DEEP : undefined
      if (reason === undefined || error === this.writer.failure) throw error
      await this.#refuse({ file: file.name, id, reason })
    }
  }

  async #refuse({ file, line, id, reason }: Refusal): Promise<void> {
    const refusal = { file, ...(line === undefined ? {} : { line }), id, reason }
    this.#report.refused++
    if (this.#report.refusals.length < MOST_REFUSALS) this.#report.refusals.push(refusal)
    await this.#options.onRefused?.(refusal)
  }
}
