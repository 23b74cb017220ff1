import { readFile } from 'node:fs/promises'
import { uptime } from 'node:os'
import { kill, uptime as ownUptime, pid } from 'node:process'

/** The process id of this process. */
export const ownPid = pid

/** The kernel counts the start time of a process in hundredths of a second since boot. */
const TICKS = 100

/**
 * Returns true when the process that had this id at `since` may still run; ids are reused, most often in
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
