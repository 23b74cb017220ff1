import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { AppError, explainSystemError, systemErrorCode } from '../errors.ts'
import type { Refusal } from './import.ts'

/** A file of what an import refused, one JSON line each, written as it happens. */
export class RejectFile {
  readonly #path: string
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  /** Makes a new file, 0600. Throws IO where one exists. */
  static async create(path: string): Promise<RejectFile> {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    try {
      return new RejectFile(path, await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600))
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw explainSystemError(error, path)
      throw new AppError('IO', `there is a file at ${path} already; it was not overwritten`, {
        hint: 'name a new one with --reject-file',
      })
    }
  }

  async add(refusal: Refusal): Promise<void> {
    try {
      await this.#file.appendFile(`${JSON.stringify(refusal)}\n`)
    } catch (error) {
      throw explainSystemError(error, this.#path)
    }
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}
