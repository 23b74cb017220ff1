import { OUTCOMES } from '../core/errors.ts'

/** The texts that `help <topic>` prints. */
export const TOPICS: Record<string, () => string> = {
  environment: () => `Environment variables

  LIBREOLLAMA_DB              path of the database, as --db
  LIBREOLLAMA_DB_KEY_FILE     path of the key file, as --key-file
  LIBREOLLAMA_DB_KEY_COMMAND  command that prints the key, as --key-command
  LIBREOLLAMA_DB_KEY          the key itself; the last resort, other programs of yours may read it
  CI                          set: never ask, as --no-input
  NO_COLOR, FORCE_COLOR       switch colours off or on, as --color never|always
  XDG_DATA_HOME               Linux: where the default database is (LibreOllama/database.db below it); absolute, else ignored

A flag wins over its variable.
`,
  'exit-codes': () => `Exit codes

${OUTCOMES.map(({ exit, code, when }) => `  ${String(exit).padStart(3)}  ${code.padEnd(16)}  ${when}`).join('\n')}
`,
  'key-sources': () => `Where the key comes from

A key is a passphrase, or a raw key written x'<64 or 96 hex digits>'. It is never an argument. In this order:

  1. a flag         --key-file <path>     one line; one newline at its end is dropped; - is standard input
                    --key-command <cmd>   what the command prints, such as: pass show libreollama
                    --keychain            the keychain of the system: Secret Service on Linux, Keychain on macOS
                    --dev-key             the public development key of Phase 2.1, for tests
  2. environment    LIBREOLLAMA_DB_KEY_FILE, LIBREOLLAMA_DB_KEY_COMMAND, LIBREOLLAMA_DB_KEY
  3. keychain       asked when nothing is named; its entries are found by the first bytes of the file
  4. you            asked for, when there is a terminal and --no-input is not given

Two sources at one level are refused (exit 2): which of them was meant would be a guess.
A generated raw key opens at once; a passphrase costs one key derivation, about a tenth of a second.

  libreollama-db init --key-file ~/.config/LibreOllama/database.key --generate-key
  libreollama-db init --keychain
  libreollama-db key status
  libreollama-db rekey --new-key-file ./new.key --generate-key
`,
  scripting: () => `Using libreollama-db in scripts

  stdout is data only; warnings, questions and errors go to stderr.
  -o json|ndjson|csv (or --json, --ndjson, --csv) gives formats to build on; the table is for people and may change.
  --fields a,b,c picks columns and their order.
  With --json or --ndjson a failure leaves stdout empty and writes one line to stderr:
    {"error":{"code":"WRONG_KEY","exit":12,"message":"…","hint":"…"}}
  Nothing is asked without a terminal; --no-input makes sure, --yes agrees beforehand.
  Exit codes tell what happened: libreollama-db exit-codes.

  libreollama-db health --json || echo "look at it: $?"
  libreollama-db migrate status --exit-code >/dev/null || libreollama-db migrate up
  libreollama-db stats --json | jq .total_messages
`,
}
