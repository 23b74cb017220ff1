/** What can be told of SQL text without running it. */
export interface SqlText {
  /** The statements, comments gone, without what only separates them. */
  statements: string[]
  /** The words of the first statement outside of quotes and parentheses, upper case. */
  words: string[]
  /** The parameters, with their signs: `:name`, `@name`, `$name`, `?`. */
  parameters: Set<string>
}

// In order: strings and quoted names, comments, parameters, words, the end of a statement, any other character.
const TOKEN =
  /('(?:[^']|'')*'?|"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|\[[^\]]*\]?)|(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|([:@$][A-Za-z_]\w*|\?\d*)|([A-Za-z_]\w*)|(;)|[\s\S]/g

/** Reads SQL as far as quotes, comments, words, parameters and semicolons; those inside a trigger's body end nothing. */
export function readSql(sql: string): SqlText {
  const statements: string[] = []
  const words: string[] = []
  const parameters = new Set<string>()
  let statement = ''
  let body = 0
  let depth = 0
  for (const [text, _quoted, comment, parameter, name, end] of sql.matchAll(TOKEN)) {
    if (end && body === 0) {
      if (statement.trim()) statements.push(statement.trim())
      statement = ''
      continue
    }
    statement += comment === undefined ? text : ' '
    if (parameter) parameters.add(parameter)
    if (text === '(') depth++
    if (text === ')') depth--
    const word = name?.toUpperCase()
    if (!word) continue
    if (statements.length === 0 && depth === 0) words.push(word)
    const inTrigger = words[0] === 'CREATE' && words.slice(1, 3).includes('TRIGGER')
    if (inTrigger && (word === 'BEGIN' || word === 'CASE')) body++
    if (inTrigger && word === 'END') body--
  }
  if (statement.trim()) statements.push(statement.trim())
  return { statements, words, parameters }
}

/** The name of the pragma that a statement runs, lower case, and whether it gives it an argument. */
export function readPragma(statement: string): { name: string; hasArgument: boolean } | undefined {
  const name = /(\w+|"[^"]*"|'[^']*'|`[^`]*`|\[[^\]]*\])/.source
  const [, found, rest] =
    new RegExp(`^pragma\\s+(?:${name}\\s*\\.\\s*)?${name}\\s*([=(].*)?$`, 'is').exec(statement)?.slice(1) ??
    []
  return found === undefined
    ? undefined
    : { name: found.replace(/\W/g, '').toLowerCase(), hasArgument: rest !== undefined }
}
