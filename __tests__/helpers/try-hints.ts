import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryPlace } from './program-for-all.ts'
import type { Run } from './run.ts'

/** A run whose hints are tried. */
interface Tried {
  words: readonly string[]
  env?: Record<string, string> | undefined
  cwd?: string | undefined
  result: Run
}

/** Runs a command line and resolves to its end. */
type Runner = (words: string[], options: { env?: Record<string, string>; cwd?: string }) => Promise<Run>

/** Shapes of commands that were tried by this worker. */
const known = new Set<string>()

/**
 * Runs every command that a run offered in a hint, with the words as a shell takes them, in a copy of its folder,
 * and throws where one does not do what the hint says. The same command after the same error is tried once.
 */
export async function tryHints({ words, env, cwd, result }: Tried, runner: Runner): Promise<void> {
  for (const { hint, command } of hintsOf(result).flatMap(commandsIn)) {
    const shape = `${words.filter((word) => /^[a-z]/.test(word)).join(' ')}: ${command.join(' ').replace(/\/\S+/g, 'PATH')}`
    if (known.has(shape)) continue
    known.add(shape)
    const placeholder = command.find((word) => word.startsWith('<'))
    if (placeholder) throw new Error(`the command of a hint has a placeholder, ${placeholder}: ${hint}`)
    const copy =
      staysInside(command, env) && copyOf([...words, ...command, ...Object.values(env ?? {}), cwd ?? ''])
    if (!copy) continue
    try {
      const moved = Object.fromEntries(
        Object.entries(env ?? {}).map(([name, value]) => [name, copy.moved(value)]),
      )
      const place = cwd === undefined ? {} : { cwd: copy.moved(cwd) }
      const { code, stdout, stderr } = await runner(command.slice(1).map(copy.moved), {
        env: moved,
        ...place,
      })
      const isFit = FIT[command[1] ?? ''] ?? [0]
      if (isFit.includes(code ?? -1) || isWithoutKey(words, env, code)) continue
      throw new Error(
        `${words.join(' ')} ended with ${result.code} and the hint: ${hint}\nBut that command ended with ${code}: ${stdout}${stderr}`,
      )
    } finally {
      copy.remove()
    }
  }
}

/** Exit codes of commands that have found something, which is what they are offered for. */
const FIT: Record<string, number[]> = { diagnose: [0, 3], health: [0, 3], 'verify-schema': [0, 3] }

/** Where no key was named, a command that needs one asks for it, or says so. */
function isWithoutKey(
  words: readonly string[],
  env: Record<string, string> | undefined,
  code: number | null,
) {
  const named = [...words, ...Object.keys(env ?? {})].some((word) => /key/i.test(word))
  return (!named || words.includes('-')) && (code === 2 || code === 13)
}

function hintsOf({ stdout, stderr }: Run): string[] {
  const text = stdout + stderr
  const inJson = [...text.matchAll(/"hint":\s*("(?:[^"\\]|\\.)*")/g)].map(([, string = '""']) =>
    JSON.parse(string),
  )
  const inText = [...text.matchAll(/^ +→ (.*)$/gm)].map(([, line = '']) => line)
  return [...inJson, ...inText]
}

/** The commands of this program in a hint; one that another command feeds is tried elsewhere. */
function commandsIn(hint: string): { hint: string; command: string[] }[] {
  return [...hint.matchAll(/(?:^|[^|&] )libreollama-db /g)].map((found) => {
    const start = found.index + found[0].indexOf('libreollama-db')
    return { hint, command: wordsOf(hint.slice(start)) }
  })
}

/** The words up to the end of a part of the hint, as a shell takes them. */
function wordsOf(text: string): string[] {
  const [command = ''] =
    /^(?:\$'(?:[^'\\]|\\.)*'|'[^']*'|"(?:[^"\\]|\\.)*"|\\.|;(?! )|[^;'"\\])*/.exec(text) ?? []
  // Words in angle brackets stand for something, and would be redirections.
  const script = `printf '%s\\0' ${command.replace(/<(\w+)>/g, "'<$1>'")}`
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)
}

const MOST_BYTES = 20_000_000

/** Returns true when running a command touches nothing but temporary folders. */
function staysInside(command: string[], env: Record<string, string> = {}): boolean {
  if (command.includes('help') || command.includes('--help')) return true
  const hasDatabase = command.includes('--db') || env.LIBREOLLAMA_DB || env.HOME || env.XDG_DATA_HOME
  const place = `${temporaryPlace()}/libreollama-db-`
  return Boolean(hasDatabase) && command.every((word) => !word.startsWith('/') || word.startsWith(place))
}

/** Copies the temporary folders in which these words name something. */
function copyOf(words: string[]) {
  const roots = new Set<string>()
  for (const word of words) {
    for (const [root] of word.matchAll(new RegExp(`${temporaryPlace()}/libreollama-db-\\w+`, 'g')))
      roots.add(root)
  }
  const copies = new Map<string, string>()
  const remove = () => {
    for (const copy of copies.values()) rmSync(copy, { recursive: true, force: true })
  }
  try {
    for (const root of roots) {
      if (!existsSync(root) || sizeOf(root) > MOST_BYTES) throw new Error('too large')
      const copy = mkdtempSync(join(temporaryPlace(), 'libreollama-db-hint-'))
      copies.set(root, copy)
      cpSync(root, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
    }
  } catch {
    remove() // something that cannot be copied, such as a FIFO
    return undefined
  }
  const moved = (word: string) =>
    [...copies].reduce((text, [root, copy]) => text.replaceAll(root, copy), word)
  return { moved, remove }
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}
