import type { Context } from '../src/cli/context.ts'
import type { Recovery } from '../src/core/files/recovery.ts'

/** Tells of operations that were killed earlier and have been brought to an end now. */
export function tellRecovered(ctx: Context, recovered: Recovery[]): void {
  for (const { operation, outcome } of recovered) {
    ctx.warn(`a killed ${operation} had left something behind: it is ${outcome} now`)
  }
}
