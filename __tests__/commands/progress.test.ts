import { Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { Context, type GlobalOptions } from '../../src/cli/context.ts'
import { ProgressBar } from '../../src/cli/progress-bar.ts'
import { databaseHealthCheck } from '../../src/core/checks/health.ts'
import type { Progress } from '../../src/core/progress.ts'
import { shippedMigrations } from '../../src/shipped-migrations.ts'
import { keys, makeDatabase } from '../helpers/database.ts'
import { capturingHost } from '../helpers/in-process.ts'

/** One terminal that both outputs write to, as it is. */
function oneTerminal(columns = 80) {
  const { host } = capturingHost({})
  const shown: string[] = []
  const stream = () =>
    Object.assign(
      new Writable({
        decodeStrings: false,
        write: (text, _encoding, done) => {
          shown.push(String(text))
          done()
        },
      }),
      { isTTY: true, columns },
    )
  return { host: { ...host, stdout: stream(), stderr: stream() }, shown }
}

const OPTIONS: GlobalOptions = { color: 'never', input: true, lockTimeout: 1 }
const CLEARED = '\r\x1b[K'

/** Draws the bar, which takes more than its patience. */
async function draw(ctx: Context): Promise<void> {
  ctx.copying.onProgress?.({ phase: 'copying', part: 0.1 })
  await pause(350)
  ctx.copying.onProgress?.({ phase: 'copying', part: 0.2 })
}

test.each<[what: string, act: (ctx: Context) => unknown]>([
  ['a result', (ctx) => ctx.printer({ fields: ['a'] })([{ a: 1 }])],
  [
    'rows',
    (ctx) =>
      ctx.listPrinter({ fields: ['a'] })(
        (async function* () {
          yield [{ a: 1 }]
        })(),
      ),
  ],
  ['an export', (ctx) => ctx.write('data')],
  ['a warning', (ctx) => ctx.warn('w')],
  ['an error', (ctx) => ctx.finish(false)],
])('the bar is taken away before %s is printed', async (_what, act) => {
  for (const format of [{}, { json: true }]) {
    const { host, shown } = oneTerminal()
    const ctx = new Context(host, { ...OPTIONS, ...format })
    await draw(ctx)
    expect(shown.at(-1)).toContain('%')
    const before = shown.length
    await act(ctx)
    if (shown.length > before) expect(shown[before]).toBe(CLEARED)
    await ctx.finish()
    expect(shown.slice(before)[0]).toBe(CLEARED)
  }
})

test.each([40, 80])('on %i columns the line fits, so that it can be taken away', async (columns) => {
  const { host, shown } = oneTerminal(columns)
  const bar = new ProgressBar(host, true)
  bar.show({ phase: 'importing', part: 0, bytes: 0 })
  await pause(350)
  bar.show({ phase: 'importing', part: 0.123, bytes: 1_234_567_890 })
  const line = shown.at(-1) ?? ''
  expect(line.slice(CLEARED.length).length).toBeLessThan(columns)
})

test('work that reports nothing shows the time that has passed, and a question has the terminal alone', async () => {
  const { host, shown } = oneTerminal()
  const bar = new ProgressBar(host, true)
  await bar.during({ phase: 'checking' }, async () => {
    await pause(450)
    expect(shown.at(-1)).toMatch(/checking +\d s/)
    await bar.without(async () => {
      const before = shown.length
      await pause(250)
      expect(shown.slice(before)).toEqual([])
    })
  })
  const piped = new ProgressBar({ stderr: Object.assign(new Writable(), { isTTY: false }) }, true)
  expect(await piped.during({ phase: 'checking' }, async () => 1)).toBe(1)
})

test('health tells which check runs', async () => {
  const steps: Progress[] = []
  const options = { path: await makeDatabase(), keys, migrations: await shippedMigrations() }
  await databaseHealthCheck({ ...options, onProgress: (progress) => steps.push(progress) })
  expect(steps.map(({ step }) => step)).toEqual([
    'pages',
    'structure',
    'foreign keys',
    'metadata',
    'search index',
  ])
})
