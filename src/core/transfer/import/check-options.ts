import { oneOfWords } from '../../check-given.ts'
import { AppError } from '../../errors.ts'
import type { ImportOptions } from './import-chats.ts'
import { SOURCES } from './sources.ts'

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
