import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { newDatabase, temporaryFolder } from '../helpers/folder.ts'
import { cleanEnvironment, finished, PROGRAM } from '../helpers/run.ts'

const hasStrace = spawnSync('strace', ['-V']).status === 0
const withStrace = hasStrace ? describe : describe.skip

withStrace(
  `a disk that fails while a database is read${hasStrace ? '' : ' (strace is not installed: apt install strace)'}`,
  () => {
    let good: { db: string; key: string }
    beforeAll(async () => {
      good = await newDatabase()
    })

    /** Runs a command; each thread's `when`-th read of the database fails. */
    async function runFailing(words: string[], when: string) {
      const folder = temporaryFolder()
      const db = join(folder, 'database.db')
      copyFileSync(good.db, db)
      chmodSync(db, 0o600)
      mkdirSync(join(folder, 'copies'))
      const inject = [
        '-f',
        '-qq',
        '-o',
        '/dev/null',
        '-P',
        db,
        '-e',
        'trace=pread64',
        '-e',
        `inject=pread64:error=EIO:when=${when}`,
      ]
      const program = [
        process.execPath,
        PROGRAM,
        ...words.map((word) => word.replace('COPIES', join(folder, 'copies'))),
      ]
      const child = spawn('strace', [...inject, ...program, '--db', db, '--key-file', good.key, '--json'], {
        env: cleanEnvironment({ UV_THREADPOOL_SIZE: '1' }), // reads are counted for each thread
      })
      return { db, ...(await finished(child)) }
    }

    test.each([
      ['stats', '2'],
      ['stats', '3'],
      ['stats', '5'],
      ['stats', '3+'],
      ['diagnose', '4'],
      ['diagnose', '4+'],
      ['health', '4'],
      ['health', '6'],
      ['health', '6+'],
      ['session list', '3'],
      ['session list', '1+'],
      ['backup --dir COPIES', '5'],
      ['backup --dir COPIES', '8'],
      ['backup --dir COPIES', '8+'],
    ])('%s, read %s: it is the disk, with the path', async (words, when) => {
      const { code, stdout, stderr, db } = await runFailing(words.split(' '), when)
      // What failed once may be read again, and then nothing is wrong.
      if (code === 0 && !when.endsWith('+')) return expect(stderr).toBe('')
      expect(stdout + stderr).not.toMatch(/every page is authentic|defect|WRONG_KEY|CORRUPT/)
      expect(code).toBe(18)
      expect(stdout + stderr).toContain(db)
    })
  },
)
