import type { Connection } from '../../engine/connection.ts'
import type { OnProgress } from '../../progress.ts'
import { withinLimits } from '../../query/longest-text.ts'
import { checkPlace } from './export-place.ts'
import { countChats, type ExportSelection, exportedChats } from './exported-chats.ts'
import { loadExportFormat } from './formats/formats.ts'
import { inBlocks, type Pieces } from './in-blocks.ts'
import { CHAT_LINES, requireLines } from './require-lines.ts'
import { writeFolder, writeNewFile } from './write-export.ts'

/** The chats to export, and the target. */
export interface ExportRequest {
  /** One of EXPORT_FORMAT_NAMES. */
  format: string
  selection: ExportSelection
  /**
   * A new file, or a new or empty folder when the format creates one file per chat; without it everything
   * goes to `print`.
   */
  out?: string | undefined
  /** The database, whose owner will own what root exports. */
  source?: string | undefined
  /**
   * Receives the blocks when there is no file, and must not keep them, since their memory is reused; resolves
   * to false when nobody reads the output any more.
   */
  print?: (block: Uint8Array) => Promise<boolean>
  signal?: AbortSignal
  onProgress?: OnProgress | undefined
}

/** The result of an export. */
export interface ExportReport {
  /** Absolute; empty without `out`. */
  path: string
  format: string
  sessions: number
  bytes: number
  /** Chats that the format cannot hold, with the reason. */
  skipped: { id: string; reason: string }[]
  /** Records that had bytes instead of text; they were read as UTF-8, with U+FFFD for invalid bytes. */
  converted: number
}

/**
 * Exports chats as they are at one moment: `reader` has to be in a transaction. The file or folder is new,
 * with mode 0600 or 0700. Throws IO when something already exists there, or when the disk fills up, leaving
 * nothing behind; CHECK_FAILED, before anything is written, when a table or column is missing.
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
