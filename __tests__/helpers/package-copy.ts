import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { packageRoot } from '../../src/package-root.ts'

/**
 * Copies files and folders of this package, those that there are, to another root; all may read them, and the
 * owner write.
 */
export function copyParts(parts: readonly string[], root: string): void {
  for (const part of parts) {
    const [source, target] = [join(packageRoot(), part), join(root, part)]
    if (!existsSync(source)) continue
    mkdirSync(dirname(target), { recursive: true })
    cpSync(source, target, { recursive: true, dereference: true })
    openToAll(target)
    for (let above = dirname(target); above !== root; above = dirname(above)) chmodSync(above, 0o755)
  }
}

/** The clone may be read-only, or for its owner alone. */
function openToAll(path: string): void {
  chmodSync(path, 0o755)
  if (!statSync(path).isDirectory()) return
  for (const entry of readdirSync(path)) openToAll(join(path, entry))
}
