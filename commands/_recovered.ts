import type { Context } from '../src/cli/context.ts'
import type { Recovery } from '../src/core/files/recovery.ts'

/** Reports interrupted operations that have now been finished or rolled back. */
export function tellRecovered(ctx: Context, recovered: Recovery[]): void {
  for (const { operation, outcome } of recovered) {
    ctx.warn(`a killed ${operation} had left something behind: it is ${outcome} now`)
  }
}
