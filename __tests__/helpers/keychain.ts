import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { socketFolder } from './folder.ts'

const missing = ['dbus-daemon', 'gnome-keyring-daemon'].filter((name) => spawnSync(name, ['--version']).error)

/**
 * A test that needs a real Secret Service; where there is none it is shown as skipped, with the reason in its
 * name.
 */
export const testWithKeychain = missing.length
  ? (name: string, _work: () => Promise<void>) =>
      test.skip(`${name} (needs ${missing.join(' and ')})`, () => {})
  : test

/**
 * Starts a message bus of its own and, on it, an unlocked keyring; resolves to the environment that leads to
 * them.
 */
export async function startKeychain(): Promise<{ env: Record<string, string>; stop: () => void }> {
  const home = socketFolder()
  const runtime = join(home, 'run')
  mkdirSync(runtime, { mode: 0o700 })
  const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address'], {
    env: { PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: runtime },
  })
  const [address = ''] = await firstLine(bus)
  const env = {
    HOME: home,
    XDG_RUNTIME_DIR: runtime,
    XDG_DATA_HOME: join(home, 'data'),
    DBUS_SESSION_BUS_ADDRESS: address,
  }
  const keyring = spawn('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets'], {
    env: { PATH: process.env.PATH, ...env },
  })
  keyring.stdin.end('password of the keyring')
  await new Promise((resolve) => setTimeout(resolve, 500))
  return {
    env,
    stop: () => {
      keyring.kill()
      bus.kill()
    },
  }
}

async function firstLine(child: ChildProcess): Promise<string[]> {
  if (!child.stdout) return []
  for await (const line of createInterface({ input: child.stdout })) return [line]
  return []
}
