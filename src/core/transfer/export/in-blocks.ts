/** The text to write, in pieces of any size: one at a time, or several together. */
export type Pieces = AsyncIterable<Piece | readonly Piece[]>
type Piece = string | Uint8Array

/** Minimum number of bytes per write. */
const SIZE = 256 * 1024

/**
 * Joins pieces into large blocks of bytes; the last may be smaller. The memory of a block is reused for the
 * one after the next, so that one can be written while the next is filled.
 */
export async function* inBlocks(pieces: Pieces): AsyncGenerator<Uint8Array> {
  let [memory, other] = [new Memory(), new Memory()]
  let waiting: Uint8Array[] = []
  let size = 0
  for await (const some of pieces) {
    for (const piece of typeof some === 'string' || some instanceof Uint8Array ? [some] : some) {
      const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
      waiting.push(bytes)
      size += bytes.length
    }
    if (size < SIZE) continue
    yield memory.join(waiting, size)
    ;[memory, other] = [other, memory]
    waiting = []
    size = 0
  }
  if (size > 0) yield memory.join(waiting, size)
}

/** Reusable memory: allocating it for every block would cost more than copying into it. */
class Memory {
  #bytes = Buffer.alloc(0)

  join(pieces: readonly Uint8Array[], size: number): Uint8Array {
    const [only] = pieces
    if (pieces.length === 1 && only) return only
    if (this.#bytes.length < size) this.#bytes = Buffer.allocUnsafe(size)
    let end = 0
    for (const piece of pieces) {
      this.#bytes.set(piece, end)
      end += piece.length
    }
    return this.#bytes.subarray(0, size)
  }
}
