import { readFile } from 'node:fs/promises'
import { uptime } from 'node:os'
import { kill, uptime as ownUptime, pid } from 'node:process'

/** The number of this process among all. */
export const ownPid = pid

/** The kernel counts a process's start in hundredths of a second since the machine's own. */
const TICKS = 100

/**
 * Whether the process that had this number at `since` may still run; numbers are given again, most in
 * containers.
 */
export async function mayStillRun(other: number, since: Date): Promise<boolean> {
  const booted = Date.now() - uptime() * 1000
  if (since.getTime() < booted) return false
  if (other === ownPid) return since.getTime() >= Date.now() - ownUptime() * 1000 - 1000
  try {
    kill(other, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const status = await readFile(`/proc/${other}/stat`, 'utf8').catch(() => '')
  const started = Number(status.slice(status.lastIndexOf(')')).split(' ')[20])
  return !(booted + (started / TICKS) * 1000 > since.getTime() + 1000)
}
