/** The same items, each of them begun while the one before it is being used. */
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
