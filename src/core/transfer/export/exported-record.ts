import type { Row } from '../../engine/connection.ts'
import type { Entity, EntityRow, RecordOf } from '../../records/entity.ts'
import { decodeRow } from '../../records/record.ts'
import { textOfBytes } from './text-of-bytes.ts'

/** Converts a row for the formats: reads bytes as text, and fills in required text that is missing. */
export function exportedRecord<Of extends Entity>(
  entity: Of,
  row: Row,
  onBytesFound = () => {},
): RecordOf<Of> {
  const record: EntityRow = decodeRow(entity, textOfBytes(row, onBytesFound))
  for (const { name, kind, nullable } of entity.columns)
    if (record[name] === null && !nullable && kind !== 'boolean') record[name] = ''
  return record as RecordOf<Of>
}
