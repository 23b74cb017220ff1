import type { Context } from '../src/cli/context.ts'
import { describeOtherNames, otherNames, otherNamesError } from '../src/core/files/other-names.ts'

/**
 * Whether a file may be replaced that other names lead to as well: they keep the old content and key, so a
 * person has to agree to that. Throws DECLINED, or INVALID where nobody can be asked.
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
