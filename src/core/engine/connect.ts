import { pathToFileURL } from 'node:url'
import type { ClosableConnection, Connect, Connection, ConnectOptions } from './connection.ts'
import { loadEngine } from './engine.ts'
import { EngineConnection, type Handle } from './engine-connection.ts'
import { explainEngineError } from './engine-errors.ts'

/** Seconds to wait for a lock. */
export const LOCK_TIMEOUT = 10

/** Connects to a file. */
export const connect: Connect = (path, options) => connectAt(path, path, options)

/** Connects to the file at `place`, which error messages call `path`. */
export async function connectAt(
  place: string,
  path: string,
  options: ConnectOptions,
): Promise<ClosableConnection> {
  const sqlcipher = await loadEngine()
  const mode = options.access === 'read' ? sqlcipher.OPEN_READONLY : sqlcipher.OPEN_READWRITE
  const name = options.immutable ? `${pathToFileURL(place).href}?immutable=1` : place
  const handle = await new Promise<Handle>((resolve, reject) => {
    const opened: Handle = new sqlcipher.Database(
      name,
      options.immutable ? mode | sqlcipher.OPEN_URI : mode,
      (error) => (error ? reject(explainEngineError(error, path)) : resolve(opened)),
    )
  })
  const connection = new EngineConnection(handle, path, options.onStatement)
  try {
    handle.configure('busyTimeout', Math.round((options.lockTimeout ?? LOCK_TIMEOUT) * 1000))
    await connection.prepare(options)
    return connection
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** Opens an unencrypted database in memory, for schemas that are only compared. */
export async function withMemoryDatabase<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await connect(':memory:', { access: 'write' })
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}
