/** A lock for one user at a time, in the order of the requests. */
export class Mutex {
  #last: Promise<void> = Promise.resolve()

  /**
   * Runs `work` after those before it are done; after `patience` milliseconds of waiting, throws the error
   * that `tooLong` creates.
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
