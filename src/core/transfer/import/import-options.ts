import type { ForeignKeys } from '../../database/foreign-database.ts'
import { AppError } from '../../errors.ts'
import type { OnProgress } from '../../progress.ts'
import { oneOfWords } from '../../records/check-given.ts'
import { SOURCES, type SourceName } from './import-formats.ts'
import type { Refusal } from './import-items.ts'
import type { OnConflict } from './merge-item.ts'
import type { Include } from './row-options.ts'

/** Options for an import. */
export interface ImportOptions {
  /** A file, a folder or a zip archive. */
  path: string
  from: SourceName | 'auto'
  onConflict: OnConflict
  branches: 'active' | 'all'
  include: ReadonlySet<Include>
  timeZone: string
  /** Opens a source that is an encrypted database, of this program or of another one. */
  encrypted?: ForeignKeys | undefined
  dryRun: boolean
  now: () => Date
  signal?: AbortSignal
  onProgress?: OnProgress
  /** Called for everything that is refused, as it happens. */
  onRefused?: (refusal: Refusal) => Promise<void>
}

/** Throws INVALID for an unknown choice, before anything is read. */
export function checkImportOptions({ from, onConflict, branches, include, timeZone }: ImportOptions): void {
  oneOfWords('import: from', from, ['auto', ...SOURCES])
  oneOfWords('import: onConflict', onConflict, ['skip', 'replace', 'newer'])
  oneOfWords('import: branches', branches, ['active', 'all'])
  const isSet = Object.prototype.toString.call(include) === '[object Set]'
  for (const one of isSet ? include : [include])
    oneOfWords('import: each of the Set include', one, ['reasoning', 'tools', 'hidden'])
  if (!isTimeZone(timeZone)) {
    throw new AppError('INVALID', 'import: timeZone must be the name of a time zone', {
      hint: 'such as: Europe/Berlin',
    })
  }
}

function isTimeZone(timeZone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone }))
  } catch {
    return false
  }
}
