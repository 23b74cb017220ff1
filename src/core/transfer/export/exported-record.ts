import type { Row } from '../../engine/connection.ts'
import type { Entity, EntityRow } from '../../records/entity.ts'
import { decodeRow } from '../../records/record.ts'
import { textOfBytes } from './text-of-bytes.ts'

/** Converts a row for the formats: reads bytes as text, and fills in required text that is missing. */
export function exportedRecord(entity: Entity, row: Row, onBytesFound = () => {}): EntityRow {
  const record = decodeRow(entity, textOfBytes(row, onBytesFound))
  for (const { name, kind, nullable } of entity.columns)
    if (record[name] === null && !nullable && kind !== 'boolean') record[name] = ''
  return record
}
