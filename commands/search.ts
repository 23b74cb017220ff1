import { filterOptions, readFilters } from '../src/cli/entity-options.ts'
import { wholeNumber } from '../src/cli/option-values.ts'
import type { View } from '../src/cli/output/view.ts'
import { localTime, type Style } from '../src/cli/terminal.ts'
import { withDatabase } from '../src/core/database/database.ts'
import { message } from '../src/core/records/entities/message.ts'
import { requireIndex } from '../src/core/search/index-check.ts'
import { type Hit, searchMessages } from '../src/core/search/search.ts'
import type { Define } from './_define.ts'
import { resolveFilters } from './_entity.ts'

const view: View<Hit[]> = {
  fields: [...message.columns.map(({ name }) => name), 'snippet', 'rank', 'context'],
  blocks: ['snippet', 'content'],
  text: (hits, style) =>
    hits.length === 0 ? `${style.dim('(none)')}\n` : hits.map((hit) => hitText(hit, style)).join('\n'),
}

function hitText(hit: Hit, style: Style): string {
  const head = `${style.dim(`${localTime(String(hit.created_at))}  ${hit.role}  message ${hit.id}  session ${hit.session_id}`)}`
  const marked = (text: string) => text.replace(/\*\*(.+?)\*\*/gs, (_all, word: string) => style.bold(word))
  if (!hit.context) return `${head}\n${marked(hit.snippet)}\n`
  const lines = hit.context.map(
    (other) =>
      `${style.dim(`${other.role}:`)} ${other.id === hit.id ? marked(hit.snippet) : String(other.content)}`,
  )
  return `${head}\n${lines.join('\n')}\n`
}

const define: Define = (command, context) => {
  filterOptions(command.argument('[text...]', 'words that all must be in the message'), message)
    .option('--limit <n>', 'at most so many', wholeNumber, 20)
    .option('--context <n>', 'with so many messages before and after', wholeNumber)
    .option('--fts', 'take the text as FTS5 syntax: AND, OR, NOT, "a phrase", prefix*, NEAR(one two)')
    .option('--rebuild', 'make the index again from the messages first')
    .action(async (words: string[], options) => {
      const ctx = context()
      const print = ctx.printer(view)
      const filters = readFilters(message, options, ctx.host.now())
      if (options.rebuild) {
        const { rebuildSearchIndex } = await import('../src/core/operations/rebuild-index.ts')
        const migrations = await ctx.migrations()
        await ctx.busy('indexing', () => rebuildSearchIndex({ ...ctx.database, ...ctx.copying, migrations }))
        ctx.did('the full-text index was made again')
        if (words.length === 0) return print([])
      }
      await withDatabase(ctx.database, async (db) => {
        await db.read(requireIndex)
        const where = await resolveFilters(db, message, filters.where)
        const { limit, context: around, fts } = options
        await print(
          await db.read((reader) =>
            searchMessages(reader, words.join(' '), { ...filters, where, limit, context: around, fts }),
          ),
        )
      })
    })
}

export default define
