/** What can be told of SQL text without running it. */
export interface SqlText {
  /** The statements, without what only separates them. */
  statements: string[]
  /** The first word of the first statement, upper case. */
  verb: string
  /** What follows PRAGMA, lower case; undefined for other statements. */
  pragma: { name: string; hasArgument: boolean } | undefined
  /** The named parameters, without their sign. */
  parameters: Set<string>
}

// In order: strings and quoted names, comments, parameters, words, the end of a statement, any other character.
const TOKEN =
  /('(?:[^']|'')*'?|"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|\[[^\]]*\]?)|(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|[:@$]([A-Za-z_]\w*)|([A-Za-z_]\w*)|(;)|[\s\S]/g

/** Reads SQL as far as quotes, comments, words, parameters and semicolons. */
export function readSql(sql: string): SqlText {
  const statements: string[] = []
  const words: string[] = []
  const parameters = new Set<string>()
  let statement = ''
  let hasArgument = false
  for (const [text, quoted, comment, parameter, word, end] of sql.matchAll(TOKEN)) {
    if (end) {
      if (statement.trim()) statements.push(statement.trim())
      statement = ''
      continue
    }
    statement += comment === undefined ? text : ' '
    if (parameter) parameters.add(parameter)
    if (statements.length === 0 && (word || quoted)) words.push(word ?? unquote(quoted ?? ''))
    if (statements.length === 0 && (text === '=' || text === '(')) hasArgument = true
  }
  if (statement.trim()) statements.push(statement.trim())
  const verb = (words[0] ?? '').toUpperCase()
  // `PRAGMA main.key = …` names a schema first.
  const name = /^\s*pragma\s+\S*?\.\s*/i.test(statements[0] ?? '') ? words[2] : words[1]
  return {
    statements,
    verb,
    pragma: verb === 'PRAGMA' ? { name: (name ?? '').toLowerCase(), hasArgument } : undefined,
    parameters,
  }
}

const unquote = (text: string) => text.slice(1, -1)
