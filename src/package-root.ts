import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Returns the folder of this package, which contains `migrations/` and package.json; the same from sources
 * and from the bundle.
 */
export function packageRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  for (let folder = here; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'migrations'))) return folder
    if (folder === dirname(folder)) return here // an incomplete package: reported when a file is missing
  }
}
