import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { Conversation } from '../conversation.ts'
import { type Attachment, attachmentsOf } from '../readers/attachments.ts'
import { asName, asRecord, asRecords, type JsonRecord } from '../readers/values.ts'

/** A file of an export: its name inside the folder or archive, and its bytes. */
export interface AssetFile {
  name: string
  read: () => AsyncIterable<Uint8Array>
}

/** The known facts about a file besides its bytes. */
type Described = Partial<Pick<Attachment, 'name' | 'type'>>

/** The file lists in ChatGPT's newer exports. */
const LISTS = ['conversation_asset_file_names.json', 'library_files.json']
/** Bytes: a longer file is not such a list. */
const LONGEST_LIST = 64 * 1024 * 1024

/** The files beside the conversations of an export, by the ids that messages use for them. */
export class Assets {
  readonly #files = new Map<string, AssetFile>()
  readonly #lists: AssetFile[]
  #described: Promise<Map<string, Described>> | undefined
  readonly #measured = new Map<string, Pick<Attachment, 'bytes' | 'sha256'>>()

  constructor(files: readonly AssetFile[]) {
    for (const file of files) {
      const id = idOf(basename(file.name))
      if (id !== undefined) this.#files.set(id, file)
    }
    this.#lists = files.filter(({ name }) => LISTS.includes(basename(name)))
  }

  /** Adds name, type, size and hash to the attachments of a conversation whose files are here. */
  async describe(conversation: Conversation): Promise<void> {
    for (const attachment of attachmentsOf(conversation)) {
      const file = attachment.file === undefined ? undefined : this.#files.get(attachment.file)
      if (!file || attachment.file === undefined) continue
      this.#described ??= this.#readLists()
      const { name, type } = (await this.#described).get(attachment.file) ?? {}
      if (attachment.name === null || attachment.name === attachment.file)
        attachment.name = name ?? attachment.name
      attachment.type ??= type ?? null
      Object.assign(attachment, await this.#measure(attachment.file, file))
    }
  }

  async #measure(id: string, file: AssetFile): Promise<Pick<Attachment, 'bytes' | 'sha256'>> {
    const known = this.#measured.get(id)
    if (known) return known
    const hash = createHash('sha256')
    let bytes = 0
    for await (const chunk of file.read()) {
      hash.update(chunk)
      bytes += chunk.length
    }
    const measured = { bytes, sha256: hash.digest('hex') }
    this.#measured.set(id, measured)
    return measured
  }

  async #readLists(): Promise<Map<string, Described>> {
    const described = new Map<string, Described>()
    for (const list of this.#lists) {
      for (const [id, more] of describedIn(await readJson(list)))
        described.set(id, { ...described.get(id), ...more })
    }
    return described
  }
}

/** Returns the id of a file: names like `file-ID-name.png` and `file_ID.dat` begin with it. */
function idOf(name: string): string | undefined {
  return /^file[-_][A-Za-z0-9]+/.exec(name)?.[0]
}

/**
 * Yields descriptions from names by file (`{"file_ID.dat": "photo.png"}`), or from records that have an id:
 * the format is undocumented.
 */
function* describedIn(list: unknown): Generator<[string, Described]> {
  for (const [key, value] of Object.entries(asRecord(list) ?? {})) {
    const id = idOf(key)
    if (id !== undefined && typeof value === 'string') yield [id, { name: value }]
  }
  for (const record of Array.isArray(list)
    ? asRecords(list)
    : asRecords(Object.values(asRecord(list) ?? {}).flat())) {
    const id = idOf(asName(record.file_id) ?? asName(record.id) ?? '')
    if (id !== undefined) yield [id, describedBy(record)]
  }
}

function describedBy(record: JsonRecord): Described {
  const name = asName(record.file_name) ?? asName(record.name)
  const type = asName(record.mime_type) ?? asName(record.mimeType)
  return { ...(name === null ? {} : { name }), ...(type === null ? {} : { type }) }
}

async function readJson({ read }: AssetFile): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of read()) {
    bytes += chunk.length
    if (bytes > LONGEST_LIST) return null
    chunks.push(Buffer.from(chunk))
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return null
  }
}
