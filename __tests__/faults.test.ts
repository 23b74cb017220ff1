import { spawn, spawnSync } from 'node:child_process'
import { platform } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../src/package-root.ts'

const POINTS = 110
const compiles = spawnSync(process.env.CC ?? 'cc', ['--version']).status === 0
const missing = platform() === 'linux' ? (compiles ? undefined : 'a C compiler') : 'Linux'

const testWithFaults = missing
  ? (name: string, _work: () => Promise<void>, _limit: number) =>
      test.skip(`${name} (needs ${missing})`, () => {})
  : test

testWithFaults(
  `killed or failing at ${POINTS} calls on files, nothing is lost and no exit code lies`,
  async () => {
    const script = join(packageRoot(), 'scripts', 'faults.mjs')
    const child = spawn(process.execPath, [script, '--sample', String(POINTS), '--json'])
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    await new Promise((resolve) => child.once('close', resolve))
    const { total, figures, wrong } = JSON.parse(output)
    expect(wrong).toEqual([])
    expect(total).toMatchObject({ points: POINTS, lost: 0, lies: 0, missed: 0 })
    expect(total.killed).toBeGreaterThan(POINTS / 5)
    expect(total.failed).toBeGreaterThan(POINTS / 3)
    expect(Object.keys(figures).length).toBeGreaterThanOrEqual(30)
  },
  300_000,
)
