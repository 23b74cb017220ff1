/** What to do next: plain words, or a step that a program describes with its own commands and options. */
export type Hint = string | Advice | readonly (string | Advice)[]

/** A kind of path that a user gives. */
export type PathRole =
  | 'database'
  | 'key_file'
  | 'new_key_file'
  | 'backup_folder'
  | 'restored_database'
  | 'output'
  | 'reject_file'
  | 'source'

/**
 * A step that the library offers, with its details. `path` is a database; without it, the step concerns the
 * current one.
 */
export type Advice =
  | { step: 'add_tables' }
  | { step: 'allow_write' }
  | { step: 'check_health'; path?: string; about: string }
  | { step: 'check_path'; path: string; role?: PathRole | undefined }
  | { step: 'choose_path'; role?: PathRole | undefined; path?: string; example?: string; about?: string }
  | { step: 'compare_schema' }
  | { step: 'create_record'; entity: string }
  | { step: 'diagnose'; path?: string; about: string; newKey?: boolean }
  | { step: 'encrypt'; from: string }
  | { step: 'explain_fields'; entity: string }
  | { step: 'explain_keys' }
  | { step: 'explain_query' }
  | { step: 'find_formats'; formats?: readonly string[] }
  | { step: 'generate_key' }
  | { step: 'get_record'; entity: string; id: string }
  | { step: 'give_value'; option?: string; example: string }
  | { step: 'list_backups'; folder?: string | undefined; all?: boolean }
  | { step: 'list_records'; entity: string }
  | { step: 'make_database'; path?: string }
  | { step: 'migrate'; direction?: 'up' | 'down'; to?: number }
  | { step: 'migration_status' }
  | { step: 'name_key' }
  | { step: 'name_source_key' }
  | { step: 'open_database'; about: string }
  | { step: 'query_example'; sql: string; about: string }
  | { step: 'rebuild_index'; about: string }
  | { step: 'rehearse' }
  | { step: 'replace_other' }
  | { step: 'restore_backup'; backup: string }
  | { step: 'restore_latest'; path?: string }
  | { step: 'salvage'; path: string; to: string }
  | { step: 'search_example' }
  | { step: 'search_words' }
  | { step: 'store_key' }
  | { step: 'upgrade'; path: string; plaintextHeader?: number; salt?: string | undefined }
  | { step: 'use_keychain' }
  | { step: 'verify_backups'; folder?: string | undefined }
  | { step: 'wait_longer' }

/** The words for each kind of step; a program describes it in more detail. */
const WORDS: Record<Advice['step'], string> = {
  add_tables: 'allow that the tables of chats are added, after a copy',
  allow_write: 'allow writing if it is meant to change it',
  check_health: 'run the health checks',
  check_path: 'check the path',
  choose_path: 'choose another path',
  compare_schema: 'compare the schema, which shows what differs and the SQL that repairs it',
  create_record: 'create one',
  diagnose: 'diagnose the file',
  encrypt: 'make an encrypted copy of it',
  explain_fields: 'look at which fields can be changed',
  explain_keys: 'check which key is used',
  explain_query: 'look at what a query can do',
  find_formats: 'name the format',
  generate_key: 'generate a key, or check the path of the key file',
  get_record: 'look at the record',
  give_value: 'give another value',
  list_backups: 'list the backups, and name one',
  list_records: 'list the records',
  make_database: 'make a database',
  migrate: 'migrate the database',
  migration_status: 'look at which migrations are applied',
  name_key: 'name a key',
  name_source_key: 'name the key of the source, if it is an encrypted database',
  open_database: 'open the database',
  query_example: 'read a part of it with a query',
  rebuild_index: 'rebuild the full-text index',
  rehearse: 'correct the migration, and rehearse it again',
  replace_other: 'restore it to another file, or allow that the other database is replaced',
  restore_backup: 'restore the copy that was made before',
  restore_latest: 'restore the latest backup; the damaged file is kept',
  salvage: 'salvage what can still be read',
  search_example: 'search for a word; words are letters and digits',
  search_words: 'search for the words as they are',
  store_key: 'store a key in the keychain, or name another source',
  upgrade: 'upgrade the file to the current format',
  use_keychain: 'make a database whose key is in the keychain',
  verify_backups: 'verify the backups',
  wait_longer: 'close the other program, or wait longer',
}

/** Returns the parts of a hint, in order. */
export function hintParts(hint: Hint): readonly (string | Advice)[] {
  return (Array.isArray(hint) ? hint : [hint]).filter((part) => part !== '')
}

/** Returns a hint in words that suit every program: `keep both keys; diagnose the file`. */
export function hintWords(hint: Hint): string {
  return hintParts(hint)
    .map((part) => (typeof part === 'string' ? part : WORDS[part.step]))
    .join('; ')
}
