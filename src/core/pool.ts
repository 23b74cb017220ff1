/** One at a time, in the order of asking. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }
}

/** Up to `size` items, made when first needed and lent to one user at a time. */
export class Pool<Item> {
  readonly #size: number
  readonly #make: () => Promise<Item>
  readonly #idle: Item[]
  readonly #waiting: ((item: Item) => void)[] = []
  #made: number

  constructor(size: number, ready: Item[], make: () => Promise<Item>) {
    this.#size = Math.max(size, 1)
    this.#idle = [...ready]
    this.#made = ready.length
    this.#make = make
  }

  async use<T>(work: (item: Item) => Promise<T>): Promise<T> {
    const item = this.#idle.pop() ?? (await this.#another())
    try {
      return await work(item)
    } finally {
      const next = this.#waiting.shift()
      if (next) next(item)
      else this.#idle.push(item)
    }
  }

  async #another(): Promise<Item> {
    if (this.#made >= this.#size) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#made++
    try {
      return await this.#make()
    } catch (error) {
      this.#made--
      throw error
    }
  }
}
