import { isWholeSelection } from '../exported-chats.ts'
import { jsonLines } from '../json-lines.ts'
import { CHAT_LINES } from '../require-lines.ts'
import type { RecordFormat } from './export-format.ts'

/** The lossless form: each record a line of JSON. */
export const jsonl: RecordFormat = {
  name: 'jsonl',
  extension: 'jsonl',
  writeRecords: jsonLines,
  lineTypes: (selection) =>
    isWholeSelection(selection) ? [...CHAT_LINES, 'setting', 'execution'] : CHAT_LINES,
}
