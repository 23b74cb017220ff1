/** Yields the same items, starting each while the one before it is in use. */
export async function* ahead<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = items.next()
  try {
    for (;;) {
      const { done, value } = await next
      if (done) return
      next = items.next()
      yield value
    }
  } finally {
    await next.catch(() => {})
    await items.return(undefined)
  }
}
