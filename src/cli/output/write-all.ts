import { write } from '../host.ts'
import type { Output } from '../terminal.ts'

/** Characters that are written at once, where no piece has more. */
const BLOCK = 64 * 1024

/** Writes pieces of text in blocks. Throws IO. */
export async function writeAll(stream: Output, pieces: Iterable<string>): Promise<void> {
  let block = ''
  for (const piece of pieces) {
    if (block.length + piece.length > BLOCK) {
      await write(stream, block)
      block = ''
    }
    if (piece.length > BLOCK) await write(stream, piece)
    else block += piece
  }
  await write(stream, block)
}
