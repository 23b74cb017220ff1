// Rebuilds of the full-text index.
import { join } from 'node:path'
import { flags, inMode, known, makeDatabase } from '../database.mjs'
import { call, contentOf, indexAgrees, KEYS, look, withHandle } from '../look.mjs'

const opening = { key: KEYS.one }

export default {
  'search --rebuild': {
    make: async (folder, mode) => {
      await makeDatabase(folder, 'delete')
      await withHandle(join(folder, 'c.db'), opening, (handle) =>
        call(
          handle,
          'exec',
          "PRAGMA writable_schema = OFF; INSERT INTO message_search (message_search) VALUES ('delete-all')",
        ),
      )
      await inMode(folder, mode)
    },
    words: (folder) => ['search', '--rebuild', ...flags(folder)],
    state: async (folder) => {
      const path = join(folder, 'c.db')
      if ((await contentOf(path, opening)) !== (await known('v2'))) return 'it holds something else'
      return (await look(path, opening, indexAgrees)) ? 'after' : 'before'
    },
  },
}
