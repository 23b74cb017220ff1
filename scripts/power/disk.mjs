// A disk as a power cut leaves it: what was synced is there; of everything else, any part may be.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * A folder and everything below it. Each file and folder has a durable state and pending changes: bytes for a
 * file, names for a folder. Renames and links move a file, not its name.
 */
export class Disk {
  #nodes = []
  #root

  constructor(folder, unsettled = []) {
    this.#root = this.#load(folder, '', unsettled)
  }

  #node(kind) {
    const node = { id: this.#nodes.length, kind, pending: [] }
    if (kind === 'folder') Object.assign(node, { durable: new Map(), now: new Map() })
    else Object.assign(node, { durable: Buffer.alloc(0), size: 0 })
    this.#nodes.push(node)
    return node
  }

  /** Loads the initial content, which is durable, except for recent writes. */
  #load(folder, way, unsettled) {
    const node = this.#node('folder')
    for (const name of readdirSync(folder)) {
      const path = join(folder, name)
      const below = join(way, name)
      const fresh = unsettled.includes(below)
      const child = statSync(path).isDirectory() ? this.#load(path, below, unsettled) : this.#node('file')
      if (child.kind === 'file') {
        const bytes = readFileSync(path)
        if (fresh) child.pending.push({ at: 0, bytes })
        else child.durable = bytes
        child.size = bytes.length
      }
      node.now.set(name, child)
      if (fresh) node.pending.push([{ folder: node, name, node: child }])
      else node.durable.set(name, child)
    }
    return node
  }

  #find(path) {
    let node = this.#root
    for (const part of path.split('/').filter((one) => one && one !== '.')) node = node?.now?.get(part)
    return node
  }

  #changeNames(...changes) {
    const change = changes.map(([path, node]) => ({
      folder: this.#find(dirname(path)),
      name: basename(path),
      node,
    }))
    for (const { folder, name, node } of change) {
      if (node) folder.now.set(name, node)
      else folder.now.delete(name)
    }
    for (const folder of new Set(change.map((one) => one.folder))) folder.pending.push(change)
  }

  /** Applies an event of a recording; returns true when it changed what a power cut could leave. */
  apply({ kind, path, to, at, bytes, size }) {
    switch (kind) {
      case 'open': {
        const node = this.#find(path)
        if (!node) this.#changeNames([path, this.#node('file')])
        else if (size === 0) this.#write(node, { size: 0 })
        return !node || size === 0
      }
      case 'mkdir':
        this.#changeNames([path, this.#node('folder')])
        return true
      case 'write': {
        const node = this.#find(path)
        if (!node) return false // it has no name any more
        this.#write(node, { at: at ?? node.size, bytes })
        return true
      }
      case 'truncate': {
        const node = this.#find(path)
        if (node) this.#write(node, { size })
        return node !== undefined
      }
      case 'link':
        this.#changeNames([to, this.#find(path)])
        return true
      case 'rename': {
        const node = this.#find(path)
        this.#changeNames([path, undefined], [to, node])
        return true
      }
      case 'unlink':
        this.#changeNames([path, undefined])
        return true
      case 'sync':
        this.#sync(this.#find(path))
        return true
    }
    throw new Error(`nothing is known of ${kind}`)
  }

  #write(node, change) {
    node.pending.push(change)
    node.size = change.size ?? Math.max(node.size, change.at + change.bytes.length)
  }

  #sync(node) {
    if (!node) return
    if (node.kind === 'file') node.durable = bytesOf(node, node.pending)
    // A name that was moved between two folders is moved in both.
    else for (const change of node.pending) for (const one of change) rename(one.folder.durable, one)
    const settled = new Set(node.pending)
    if (node.kind === 'folder')
      for (const other of this.#nodes)
        if (other.kind === 'folder') other.pending = other.pending.filter((change) => !settled.has(change))
    node.pending = []
  }

  /**
   * Returns everything that a power cut could leave or lose now, in the order in which it happened, object by
   * object.
   */
  pending() {
    const names = new Set()
    return this.#nodes
      .flatMap((node) => node.pending.map((change) => ({ node, change })))
      .filter(({ change }) => !names.has(change) && names.add(change))
  }

  /**
   * Returns the tree after a power cut that leaves `kept` of the pending changes; `tear` truncates the last
   * one.
   */
  tree(kept, tear = undefined) {
    const folders = new Map(
      this.#nodes.filter(({ kind }) => kind === 'folder').map((node) => [node, new Map(node.durable)]),
    )
    const writes = new Map()
    for (const { node, change } of kept) {
      if (node.kind === 'folder') for (const one of change) rename(folders.get(one.folder), one)
      else writes.set(node, [...(writes.get(node) ?? []), change])
    }
    const build = (node) =>
      node.kind === 'folder'
        ? new Map([...folders.get(node)].map(([name, child]) => [name, build(child)]))
        : bytesOf(node, writes.get(node) ?? [], tear)
    return build(this.#root)
  }
}

function rename(names, { name, node }) {
  if (node) names.set(name, node)
  else names.delete(name)
}

const SECTOR = 512

function bytesOf(node, changes, tear = undefined) {
  let bytes = node.durable
  for (const [index, { at, bytes: written, size }] of changes.entries()) {
    if (size !== undefined) bytes = resized(bytes, size)
    else {
      const torn = tear !== undefined && index === changes.length - 1 && written.length > SECTOR
      const part = torn
        ? written.subarray(0, SECTOR * (1 + (tear % Math.floor(written.length / SECTOR))))
        : written
      bytes = resized(bytes, Math.max(bytes.length, at + part.length))
      part.copy(bytes, at)
    }
  }
  return bytes
}

function resized(bytes, size) {
  const copy = Buffer.alloc(size)
  bytes.copy(copy, 0, 0, size)
  return copy
}

/**
 * Writes a tree into a folder, without the -shm: it is an index in memory, of which nothing that counts
 * survives a power cut.
 */
export function writeTree(tree, folder) {
  for (const [name, content] of tree) {
    if (name.endsWith('-shm')) continue
    if (Buffer.isBuffer(content)) writeFileSync(join(folder, name), content, { mode: 0o600 })
    else {
      mkdirSync(join(folder, name), { mode: 0o700 })
      writeTree(content, join(folder, name))
    }
  }
  for (const name of [...tree.keys()].filter((one) => one.endsWith('.place'))) dateAsNoted(join(folder, name))
}

/** Gives the file whose name a note reserves the noted time, which is that of its creation. */
function dateAsNoted(note) {
  const [name, moment, end] = readFileSync(note, 'utf8').split('\n')
  if (end === undefined) return // it is incomplete
  const path = join(dirname(note), JSON.parse(name))
  if (!existsSync(path)) return
  utimesSync(path, Number(moment) / 1e9, Number(moment) / 1e9)
}

/** Returns a text that is the same for equal trees only. */
export function describeTree(tree, hash) {
  for (const [name, content] of [...tree].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name.endsWith('-shm')) continue
    hash.update(JSON.stringify([name, Buffer.isBuffer(content) ? content.length : 'folder']))
    if (Buffer.isBuffer(content)) hash.update(content)
    else describeTree(content, hash)
  }
  return hash
}
