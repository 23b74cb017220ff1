import type { Connection } from '../../engine/connection.ts'
import type { OnProgress } from '../../progress.ts'
import { withinLimits } from '../../query/longest-text.ts'
import { checkPlace } from './export-place.ts'
import { countChats, type ExportSelection, exportedChats } from './exported-chats.ts'
import { loadExportFormat } from './formats/formats.ts'
import { inBlocks, type Pieces } from './in-blocks.ts'
import { CHAT_LINES, requireLines } from './require-lines.ts'
import { writeFolder, writeNewFile } from './write-export.ts'

/** What to export, and where to. */
export interface ExportRequest {
  /** One of EXPORT_FORMAT_NAMES. */
  format: string
  selection: ExportSelection
  /**
   * A new file, or a new or empty folder where the format makes a file of each chat; without it all goes to
   * `print`.
   */
  out?: string | undefined
  /** The database, whose owner gets what root exports. */
  source?: string | undefined
  /**
   * Takes what has no file to go to, whose memory is used again later; false when nobody reads it any more.
   */
  print?: (block: Uint8Array) => Promise<boolean>
  signal?: AbortSignal
  onProgress?: OnProgress | undefined
}

/** What an export did. */
export interface ExportReport {
  /** Absolute; empty without `out`. */
  path: string
  format: string
  sessions: number
  bytes: number
  /** Chats that the format cannot hold, with the reason. */
  skipped: { id: string; reason: string }[]
  /** Records that had bytes where text belongs; they were read as UTF-8, what is none as U+FFFD. */
  converted: number
}

/**
 * Exports chats as they are at one moment: `reader` has to be in a transaction. A file or folder is 0600 or
 * 0700 and new. Throws IO where something is there already, or the disk fills, and then nothing is left of
 * it; CHECK_FAILED, before anything is written, where a table or column is missing.
 */
export async function exportChats(reader: Connection, request: ExportRequest): Promise<ExportReport> {
  const { format: name, selection, out, source, print = async () => true, signal, onProgress } = request
  const place = out === undefined ? undefined : await checkPlace(name, out)
  const path = place?.path ?? ''
  const report: ExportReport = { path, format: name, sessions: 0, bytes: 0, skipped: [], converted: 0 }
  const format = await loadExportFormat(name)
  await requireLines(reader, 'lineTypes' in format ? format.lineTypes(selection) : CHAT_LINES)
  const total = (await countChats(reader, selection)) || 1
  let begun = 0
  let current = ''
  let share = 0
  const tell = () => {
    signal?.throwIfAborted()
    const part = Math.min((Math.max(begun - 1, 0) + share) / total, 1)
    onProgress?.({ phase: 'exporting', part, bytes: report.bytes })
  }
  const onSession = () => {
    begun++
    share = 0
    report.sessions++
    tell()
  }
  const onShare = (done: number, reading: number) => {
    share = (reading - 1 + done) / (format.readings ?? 1)
    tell()
  }
  const onSkipped = (id: string, reason: string) => {
    report.skipped.push({ id, reason })
    report.sessions--
  }
  const onBytes = (bytes: number) => {
    report.bytes += bytes
    tell()
  }
  const onBytesFound = () => {
    report.converted++
  }
  async function* chats() {
    for await (const chat of exportedChats(reader, selection, { onShare, onBytesFound })) {
      onSession()
      current = chat.session.id
      yield chat
    }
  }
  const pieces = (): Pieces =>
    'writeRecords' in format
      ? format.writeRecords(reader, selection, { onSession, onShare, onBytesFound })
      : format.write(chats(), { onSkipped })
  const write = async () => {
    if (place === undefined) {
      for await (const block of inBlocks(pieces())) {
        onBytes(block.length)
        if (!(await print(block))) break
      }
    } else if ('fileName' in format) await writeFolder(path, format, chats(), { onSkipped, onBytes, source })
    else await writeNewFile(path, pieces(), onBytes, source)
  }
  await withinLimits(
    () => `${current ? `chat ${current}` : 'a record'} has a text that is too long for ${name}`,
    write,
  )
  return report
}
