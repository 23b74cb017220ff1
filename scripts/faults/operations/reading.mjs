// Commands that only read: they print what they print without a fault, or fail.
import { join } from 'node:path'
import { flags, makeDatabase, oneOf } from '../database.mjs'
import { run } from '../program.mjs'
import { backupWords } from './whole-files.mjs'

const reading = (words, { modes = ['wal'], prepare = async () => {} } = {}) => ({
  modes,
  make: async (folder, mode) => {
    await makeDatabase(folder, mode)
    await prepare(folder)
  },
  words: (folder) => [...words, ...flags(folder)],
  state: async (folder, result, reference) => {
    const wrong = await oneOf(folder, { fine: ['v2', 'one'] })
    if (wrong !== 'fine') return wrong
    if (result.code !== 0) return 'before'
    return reference === undefined || answer(folder, result) === reference ? 'after' : 'before'
  },
  answer,
  reads: true,
})

const answer = (folder, { stdout }) => stdout.replaceAll(folder, '')

export default {
  stats: reading(['stats'], { modes: ['wal', 'delete'] }),
  'session list': reading(['session', 'list']),
  'message get': reading(['message', 'get', 'm7'], { modes: ['delete'] }),
  search: reading(['search', 'word7']),
  health: reading(['health']),
  'verify-schema': reading(['verify-schema']),
  'backup list': {
    ...reading(['backup', 'list'], { prepare: (folder) => run(backupWords(folder)) }),
    warns: true,
  },
  'key test': reading(['key', 'test']),
  diagnose: {
    ...reading([]),
    words: (folder) => ['diagnose', join(folder, 'c.db'), ...flags(folder).slice(2)],
    reports: 18, // its output says what the disk could not read
  },
}
