import type { Hint } from '../advice.ts'
import type { Connection } from '../engine/connection.ts'
import { AppError } from '../errors.ts'
import { textOf } from './check-given.ts'
import type { Entity } from './entity.ts'

/** From this length on, the beginning of an id stands for the id. */
const SHORTEST_PREFIX = 8

/**
 * The key of the one record that `named` is, or is the beginning of (8 characters or more). Throws NOT_FOUND
 * with the nearest keys, or with those that an ambiguous beginning could mean; INVALID unless `named` is a
 * string.
 */
export async function findKey(connection: Connection, entity: Entity, named: string): Promise<string> {
  const { table, key, name } = entity
  textOf(`${name}: ${key}`, named)
  const exact = await connection.get(`SELECT 1 FROM ${table} WHERE ${key} = ?`, [named])
  if (exact) return named
  const candidates = named.length >= SHORTEST_PREFIX && entity.key === 'id' ? await startingWith() : []
  const [only, other] = candidates
  if (only !== undefined && other === undefined) return only
  if (only !== undefined) {
    throw new AppError('NOT_FOUND', `more than one ${name} begins with ${named}`, {
      hint: `write more of the id; it could be: ${candidates.join(', ')}`,
    })
  }
  throw new AppError('NOT_FOUND', `there is no ${name} ${JSON.stringify(named)}`, { hint: await nearest() })

  async function startingWith(): Promise<string[]> {
    // A range on the key's index; nothing that the person wrote is taken for a pattern.
    const rows = await connection.all<{ found: string }>(
      `SELECT ${key} AS found FROM ${table} WHERE ${key} > ?1 AND ${key} < ?1 || char(1114111) ORDER BY ${key} LIMIT 5`,
      [named],
    )
    return rows.map(({ found }) => found)
  }

  async function nearest(): Promise<Hint> {
    const rows = await connection.all<{ found: string }>(
      `SELECT found FROM (SELECT ${key} AS found FROM ${table} WHERE ${key} < ?1 ORDER BY ${key} DESC LIMIT 2)
       UNION ALL SELECT found FROM (SELECT ${key} AS found FROM ${table} WHERE ${key} > ?1 ORDER BY ${key} LIMIT 2)`,
      [named],
    )
    return rows.length > 0
      ? `write the whole ${key}${key === 'id' ? ', or at least its first 8 characters' : ''}; the nearest are: ${rows.map(({ found }) => found).join(', ')}`
      : [`there is no ${name} yet`, { step: 'create_record', entity: name }]
  }
}

/** The keys of the records that are named, each once. Throws NOT_FOUND for the first that there is not. */
export async function findKeys(connection: Connection, entity: Entity, named: string[]): Promise<string[]> {
  const keys = new Set<string>()
  for (const one of named) keys.add(await findKey(connection, entity, one))
  return [...keys]
}
