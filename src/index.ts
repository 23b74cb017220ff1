export type { Connection, StatementTiming, Value } from './core/connection.ts'
export { type Database, type DatabaseOptions, withDatabase } from './core/database.ts'
