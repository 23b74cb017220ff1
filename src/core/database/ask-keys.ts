import { AppError } from '../errors.ts'
import type { FileFacts } from '../files/file-facts.ts'
import { type Key, RefusedKey } from '../keys/key.ts'

/**
 * The keys for a file, from who has them. What is refused as a key and would open the file in another
 * spelling says so.
 */
export async function askKeys(
  keys: (salt?: Buffer) => Promise<Key[]>,
  { path, samples: { start } }: Pick<FileFacts, 'path' | 'samples'>,
): Promise<Key[]> {
  try {
    return await keys(start.subarray(0, 16))
  } catch (error) {
    if (!(error instanceof RefusedKey)) throw error
    const { findSpelling } = await import('../keys/key-spelling.ts') // only for a key that is refused
    const spelling = await findSpelling([error], start)
    if (!spelling) throw error
    throw new AppError(error.code, `${error.message}; it opens ${path} ${spelling.words}`, {
      hint: `use it ${spelling.words}`,
      cause: spelling,
    })
  }
}
