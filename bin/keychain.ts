import { keychainError } from '../src/core/keys/keychain.ts'
import { answerOne } from '../src/helper-programs.ts'

/** The kernel's own keyring, the fallback of the package, is lost at reboot. */
const STORE = { linux: { store: 'secret-service' } } as const

// Accesses the keychain in a process of its own: it may never answer, and a native call cannot be cancelled
// from within.
answerOne<{ action: 'get' | 'set' | 'delete'; account: string; key?: string }>(
  async ({ action, account, key }) => {
    try {
      const { Entry } = await import('@napi-rs/keyring')
      const entry = new Entry('libreollama-db', account, STORE)
      if (action === 'set') entry.setPassword(key ?? '')
      if (action === 'get') return entry.getPassword()
      return action === 'delete' ? entry.deletePassword() : null
    } catch (error) {
      const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
      throw keychainError(`cannot be used (${key ? reason.replaceAll(key, '[key]') : reason})`)
    }
  },
)
