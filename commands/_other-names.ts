import type { Context } from '../src/cli/context.ts'
import { describeOtherNames, otherNames, otherNamesError } from '../src/core/files/other-names.ts'

/**
 * Returns true when a file may be replaced although it has other names: these keep the old content and key,
 * so the user has to agree. Throws DECLINED, or INVALID when nobody can be asked.
 */
export async function agreeToOtherNames(ctx: Context, path: string): Promise<boolean> {
  const others = await otherNames(path)
  if (others.count === 0) return false
  if (ctx.options.yes) return true
  if (!ctx.hasPerson) {
    throw otherNamesError(path, others, 'remove the other names first, or add --yes; nothing was changed')
  }
  await ctx.confirm(`${describeOtherNames(path, others)}. Go on?`)
  return true
}
