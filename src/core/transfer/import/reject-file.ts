import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError, explainSystemError, systemErrorCode } from '../../errors.ts'
import { exists } from '../../files/file-facts.ts'
import { describeTaken } from '../../files/symlinks.ts'
import { syncFolder } from '../../files/sync-folder.ts'
import { jsonText } from '../export/formats/json-text.ts'
import type { Refusal } from './import-items.ts'

/**
 * A file of what an import refused, one JSON line each, written as it happens; created when there is
 * something to write.
 */
export class RejectFile {
  readonly #path: string
  #file: FileHandle | undefined

  private constructor(path: string) {
    this.#path = path
  }

  /** Prepares the file. Throws IO when a file exists, or its folder does not. */
  static async at(path: string): Promise<RejectFile> {
    if (await exists(path)) throw await taken(path)
    const folder = await stat(dirname(path)).catch(() => undefined)
    if (folder?.isDirectory()) return new RejectFile(path)
    throw new AppError('IO', `there is no folder ${dirname(path)} for the reject file`, {
      hint: { step: 'choose_path', role: 'reject_file', about: 'a file in a folder that exists' },
    })
  }

  /** Adds a line; the first one creates the file, 0600. */
  async add(refusal: Refusal): Promise<void> {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    try {
      this.#file ??= await open(this.#path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
      await this.#file.appendFile(`${jsonText(refusal)}\n`)
    } catch (error) {
      throw systemErrorCode(error) === 'EEXIST'
        ? await taken(this.#path)
        : explainSystemError(error, this.#path, 'reject_file')
    }
  }

  /** Resolves when the lines are on the disk. Throws IO. */
  async close(): Promise<void> {
    if (!this.#file) return
    try {
      await this.#file.sync()
      await this.#file.close()
      await syncFolder(dirname(this.#path))
    } catch (error) {
      throw explainSystemError(error, this.#path, 'reject_file')
    }
  }
}

async function taken(path: string): Promise<AppError> {
  return new AppError('IO', await describeTaken(path), {
    hint: { step: 'choose_path', role: 'reject_file', about: 'a new file' },
  })
}
