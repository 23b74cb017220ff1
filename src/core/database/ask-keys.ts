import { AppError } from '../errors.ts'
import type { FileFacts } from '../files/file-facts.ts'
import { type Key, RefusedKey } from '../keys/key.ts'

/**
 * Asks for the keys for a file. When a key is rejected that would open the file in another spelling, the
 * error says so.
 */
export async function askKeys(
  keys: (salt?: Buffer) => Promise<Key[]>,
  facts: Pick<FileFacts, 'path' | 'samples'>,
): Promise<Key[]> {
  try {
    return await keys(facts.samples.start.subarray(0, 16))
  } catch (error) {
    if (!(error instanceof RefusedKey)) throw error
    const { findSpelling } = await import('../keys/key-spelling.ts') // only for a rejected key
    const spelling = await findSpelling([error], facts)
    if (!spelling) throw error
    throw new AppError(error.code, `${error.message}; it opens ${facts.path} ${spelling.words}`, {
      hint: `use it ${spelling.words}`,
      cause: spelling,
    })
  }
}
