/**
 * A pool of up to `size` items, created when first needed and lent to one user at a time; an item whose user
 * failed is not lent again.
 */
export class Pool<Item> {
  readonly #make: () => Promise<Item>
  readonly #idle: Item[]
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(size: number, ready: Item[], make: () => Promise<Item>) {
    this.#free = Math.max(size, 1)
    this.#idle = [...ready]
    this.#make = make
  }

  async use<T>(work: (item: Item) => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      const item = this.#idle.pop() ?? (await this.#make())
      const result = await work(item)
      this.#idle.push(item)
      return result
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}
