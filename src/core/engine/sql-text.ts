/** The facts about SQL text that need no execution. */
export interface SqlText {
  /** The statements, without what only separates them. */
  statements: SqlStatement[]
  /** The parameters, with their signs: `:name`, `@name`, `$name`, `?`. */
  parameters: Set<string>
}

/** One statement of a text. */
export interface SqlStatement {
  /** The statement without its comments. */
  text: string
  /** The statement as it is written, from its first token to its last. */
  source: string
  /** The line on which it begins, from 1. */
  line: number
  /** Its words outside of quotes and parentheses, upper case. */
  words: string[]
}

// Tokenizes as SQLite does: everything above ASCII belongs to a name, except a byte order mark, which
// separates like a space. In order: space, strings and quoted names, comments, parameters, words, numbers,
// the end of a statement, all else.
const TOKEN =
  /([ \t\n\f\r]+|\uFEFF)|('[^']*(?:''[^']*)*'?|"[^"]*(?:""[^"]*)*"?|`[^`]*(?:``[^`]*)*`?|\[[^\]]*\]?)|(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|([:@$][A-Za-z_]\w*|\?\d*)|([A-Za-z_\u0080-\u{10FFFF}][\w$\u0080-\u{10FFFF}]*)|\d[\w.]*|(;)|[\s\S]/gu

/**
 * Scans SQL for quotes, comments, words, parameters and semicolons; semicolons inside a trigger's body end no
 * statement.
 */
export function readSql(sql: string): SqlText {
  const statements: SqlStatement[] = []
  const parameters = new Set<string>()
  let statement: SqlStatement | undefined
  let [start, end, line, lineAt, depth] = [0, 0, 1, 0, 0]
  let [last, beforeLast] = ['', '']
  const finish = () => {
    if (statement) {
      statements.push({ ...statement, text: statement.text.trim(), source: sql.slice(start, end) })
    }
    statement = undefined
    depth = 0
  }
  for (const match of sql.matchAll(TOKEN)) {
    const [text, space, _quoted, comment, parameter, name, semicolon] = match
    if (space !== undefined || comment !== undefined) {
      if (statement) statement.text += comment === undefined ? text : ' '
      continue
    }
    // The END of a trigger's body follows a semicolon, where no other END can.
    const inBody = isTrigger(statement?.words ?? []) && !(last === 'END' && beforeLast === ';')
    if (semicolon && !inBody) {
      finish()
      continue
    }
    if (!statement) {
      line += linesBetween(sql, lineAt, match.index)
      start = lineAt = match.index
      statement = { text: '', source: '', line, words: [] }
    }
    statement.text += text
    end = match.index + text.length
    if (parameter) parameters.add(parameter)
    if (text === '(') depth++
    if (text === ')') depth--
    beforeLast = last
    last = name?.toUpperCase() ?? text
    if (name && depth === 0) statement.words.push(last)
  }
  finish()
  return { statements, parameters }
}

/** Returns the words of a statement without a leading EXPLAIN. */
export function withoutExplain(words: string[]): string[] {
  return words[0] === 'EXPLAIN' ? words.slice(words[1] === 'QUERY' ? 3 : 1) : words
}

function isTrigger(words: string[]): boolean {
  const [create, ...rest] = withoutExplain(words)
  if (create !== 'CREATE') return false
  return rest[rest[0] === 'TEMP' || rest[0] === 'TEMPORARY' ? 1 : 0] === 'TRIGGER'
}

function linesBetween(sql: string, from: number, to: number): number {
  let lines = 0
  for (let at = sql.indexOf('\n', from); at >= 0 && at < to; at = sql.indexOf('\n', at + 1)) lines++
  return lines
}

/** Returns the name of the pragma that a statement runs, lower case, and whether it has an argument. */
export function readPragma(statement: string): { name: string; hasArgument: boolean } | undefined {
  const name = /(\w+|"[^"]*"|'[^']*'|`[^`]*`|\[[^\]]*\])/.source
  const [, found, rest] =
    new RegExp(`^pragma\\s+(?:${name}\\s*\\.\\s*)?${name}\\s*([=(].*)?$`, 'is').exec(statement)?.slice(1) ??
    []
  return found === undefined
    ? undefined
    : { name: found.replace(/\W/g, '').toLowerCase(), hasArgument: rest !== undefined }
}
