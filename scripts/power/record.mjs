// The actions of a program on one folder, recorded by strace: every write, every name that is created,
// changed or removed, every fsync, in the order in which the system performed them.
import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'

const CALLS =
  'openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,symlink,symlinkat,copy_file_range,sendfile'

/**
 * Runs a command and resolves to its exit code and the events inside `folder`:
 * `{ kind: 'create' | 'mkdir' | 'unlink', path }`, `{ kind: 'rename' | 'link', path, to }`,
 * `{ kind: 'write', path, at, bytes }` (`at` undefined: at the end), `{ kind: 'truncate', path, size }`,
 * `{ kind: 'sync', path }`, and `{ kind: 'said' }` for the first output of the program. Paths are relative.
 */
export async function record(folder, command, { environment, log, inject = [] }) {
  const tracing = ['-f', '-y', '-qq', '-xx', '-s', '10000000', '-o', log, '-e', `trace=${CALLS}`, ...inject]
  const child = spawn('strace', [...tracing, ...command], { env: environment })
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  child.stdout.resume()
  child.stdin.end()
  const main = await new Promise((resolve) => child.once('close', resolve))
  const text = readFileSync(log, 'latin1')
  rmSync(log)
  return { code: main, stderr, events: readEvents(text, folder) }
}

function readEvents(text, folder) {
  const unfinished = new Map()
  const positions = new Map()
  const events = []
  const first = /^\d+/.exec(text)?.[0]
  for (const line of text.split('\n')) {
    const [, thread, rest] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    if (rest === undefined) continue
    if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(thread, rest.slice(0, -'<unfinished ...>'.length))
      continue
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)
    const whole = resumed ? (unfinished.get(thread) ?? '') + resumed[1] : rest
    const call = /^(\w+)\((.*)\)\s+= (-?\d+)(?:<([^>]*)>)?/.exec(whole)
    if (!call || call[3].startsWith('-')) continue
    const event = readCall(
      call[1],
      call[2],
      Number(call[3]),
      decode(call[4] ?? ''),
      positions,
      thread === first,
    )
    const inside = event && event.kind !== 'said' ? relativeTo(folder, event) : event
    if (inside) events.push(inside)
  }
  return events
}

const decode = (text) =>
  Buffer.from(
    text.replace(/\\x([0-9a-f]{2})/g, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )

const strings = (words) => [...words.matchAll(/"([^"]*)"/g)].map(([, text]) => decode(text))
const opened = (words) => /^(\d+)<([^>]*)>/.exec(words)
const withoutMark = (path) => path.replace(/ \(deleted\)$/, '')

function readCall(name, words, result, resultPath, positions, isMain) {
  const [, number, at] = opened(words) ?? []
  const path = at === undefined ? undefined : withoutMark(decode(at).toString())
  switch (name) {
    case 'openat':
    case 'open':
    case 'creat': {
      const target = withoutMark(resultPath.toString())
      positions.set(`${result} ${target}`, words.includes('O_APPEND') ? undefined : 0)
      if (name === 'creat' || words.includes('O_TRUNC')) return { kind: 'open', path: target, size: 0 }
      return words.includes('O_CREAT') ? { kind: 'open', path: target } : undefined
    }
    case 'write':
    case 'writev':
    case 'pwrite64':
    case 'pwritev':
    case 'pwritev2': {
      if (number === '1' && isMain) return { kind: 'said' }
      const bytes = Buffer.concat(strings(words)).subarray(0, result)
      const key = `${number} ${path}`
      if (name.startsWith('p')) {
        const [, offset] = /, (\d+)(?:, [^,"\]]*)?$/.exec(words.slice(words.lastIndexOf(']') + 1)) ?? []
        const last = name === 'pwritev2' ? offset : /(\d+)$/.exec(words)?.[1]
        return { kind: 'write', path, at: Number(last), bytes }
      }
      const position = positions.get(key)
      if (position !== undefined) positions.set(key, position + result)
      return { kind: 'write', path, at: position, bytes }
    }
    case 'ftruncate':
      return { kind: 'truncate', path, size: Number(/(\d+)$/.exec(words)?.[1]) }
    case 'fsync':
    case 'fdatasync':
      return { kind: 'sync', path }
    case 'rename':
    case 'renameat':
    case 'renameat2':
    case 'link':
    case 'linkat': {
      const [from, to] = strings(words).map(String)
      return { kind: name.startsWith('link') ? 'link' : 'rename', path: from, to }
    }
    case 'unlink':
    case 'unlinkat':
    case 'rmdir':
      return { kind: 'unlink', path: String(strings(words)[0]), within: path }
    case 'mkdir':
    case 'mkdirat':
      return { kind: 'mkdir', path: String(strings(words)[0]) }
    default:
      return { kind: 'unknown', path: path ?? String(strings(words)[0]), name }
  }
}

/** Returns the event with paths relative to the folder; undefined when it lies outside. */
function relativeTo(folder, event) {
  const inside = (path) => {
    if (path === undefined) return undefined
    const whole = isAbsolute(path) ? path : join(event.within ?? process.cwd(), path)
    const way = relative(folder, whole)
    return way.startsWith('..') || isAbsolute(way) ? undefined : way
  }
  const path = inside(event.path)
  if (path === undefined) return undefined
  if (event.kind === 'unknown') throw new Error(`${event.name} on ${path}: the model knows nothing of it`)
  return event.to === undefined ? { ...event, path } : { ...event, path, to: inside(event.to) }
}
