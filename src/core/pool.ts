/** One at a time, in the order of asking. */
export class Mutex {
  #last: Promise<void> = Promise.resolve()

  /**
   * Runs `work` when those before are done; after `patience` milliseconds of waiting, throws what `tooLong`
   * makes.
   */
  async run<T>(work: () => Promise<T>, patience: number, tooLong: () => Error): Promise<T> {
    const before = this.#last
    let done: () => void = () => {}
    this.#last = new Promise((resolve) => {
      done = resolve
    })
    if (!(await settlesWithin(before, patience))) {
      before.then(done)
      throw tooLong()
    }
    return work().finally(done)
  }
}

async function settlesWithin(turn: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false)
  })
  return Promise.race([turn.then(() => true), late]).finally(() => clearTimeout(timer))
}

/**
 * Up to `size` items, made when first needed and lent to one user at a time; one whose user failed is not
 * lent again.
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
