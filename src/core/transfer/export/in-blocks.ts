/** Text on its way out, in pieces of any size: one at a time, or some together. */
export type Pieces = AsyncIterable<Piece | readonly Piece[]>
type Piece = string | Uint8Array

/** Bytes that are written at once, or more. */
const SIZE = 256 * 1024

/**
 * The same as bytes in large blocks, the last as large as it is. The memory of a block is used again for the
 * one after the next, so that one may be written while the next is filled.
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

/** Fresh memory for every block would cost more than what is copied into it. */
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
