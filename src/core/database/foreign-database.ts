import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../engine/connect.ts'
import type { ClosableConnection } from '../engine/connection.ts'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import { examineFile, type FileFacts, readSamples } from '../files/file-facts.ts'
import type { DatabaseOptions } from './database.ts'
import { causeError, intruderCause } from './diagnosis.ts'
import { prove } from './probe.ts'

/** The options that open an encrypted database of another program. */
export type ForeignKeys = Pick<DatabaseOptions, 'keys' | 'knownSettings'>

/**
 * Opens another program's database for reading, in its state at this moment. With a -wal beside it, a copy of
 * both is read, in a folder of its own that is removed afterwards, so that the original stays untouched.
 */
export async function openForeign(path: string, encrypted?: ForeignKeys): Promise<ClosableConnection> {
  const facts = await examineFile(path)
  if (facts.intruder) throw causeError(intruderCause(facts.intruder))
  if (!facts.walBytes && !facts.hasJournal) {
    return encrypted
      ? connectForeign(facts, encrypted)
      : connect(facts.realPath, { access: 'read', immutable: true })
  }
  const folder = await mkdtemp(join(tmpdir(), 'libreollama-db-import-')).catch((error) => {
    throw new AppError('IO', `no temporary folder can be made in ${tmpdir()} (${systemErrorCode(error)})`, {
      hint: 'name another place for temporary files with the variable TMPDIR',
      cause: error,
    })
  })
  try {
    const copy = join(folder, 'source.db')
    for (const suffix of ['', '-wal', '-journal']) {
      await copyFile(facts.realPath + suffix, copy + suffix).catch((error) => {
        if (suffix === '' || systemErrorCode(error) !== 'ENOENT') throw explainSystemError(error, path)
      })
    }
    if (encrypted) return await connectForeign({ ...(await examineFile(copy)), path }, encrypted)
    const connection = await connect(copy, { access: 'query' })
    await connection.get('SELECT count(*) FROM sqlite_schema').catch(async (error) => {
      await connection.close()
      throw error
    })
    return connection
  } finally {
    // The connection holds the files open; without names they disappear however this process ends.
    await rm(folder, { recursive: true, force: true })
  }
}

/** Connects to an encrypted file at rest, whatever its encryption settings, when one of the keys opens it. */
async function connectForeign(
  found: FileFacts,
  { keys, knownSettings }: ForeignKeys,
): Promise<ClosableConnection> {
  const facts = { ...found, samples: await readSamples(found) }
  const tried = await keys(facts.samples.start.subarray(0, 16))
  const opening = { access: 'read', copying: true, recover: false, knownSettings } as const
  const usual = await prove(facts, tried, connect, { ...opening, form: 'encrypted' }).catch((error) => {
    if (!(error instanceof AppError) || error.code !== 'NOT_ENCRYPTED') throw error
    return undefined
  })
  return (usual ?? (await prove(facts, tried, connect, { ...opening, form: 'other_cipher' }))).probe
}
