import { createHash } from 'node:crypto'
import { Assets } from '../../../src/core/transfer/import/assets.ts'
import { type Attachment, attachment } from '../../../src/core/transfer/readers/attachments.ts'
import { readChatGPT } from '../../../src/core/transfer/readers/chatgpt/chatgpt.ts'

function files(contents: Record<string, string>) {
  return Object.entries(contents).map(([name, text]) => ({
    name,
    async *read() {
      const piece = Buffer.alloc(1)
      for (const byte of Buffer.from(text)) {
        piece[0] = byte // each piece is overwritten by the next
        yield piece
      }
    },
  }))
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** A conversation in which a person shows a picture and adds a file. */
function conversation() {
  const message = {
    id: 'm',
    author: { role: 'user' },
    create_time: 1700000000,
    content: {
      content_type: 'multimodal_text',
      parts: [
        { content_type: 'image_asset_pointer', asset_pointer: 'sediment://file_0a1b', size_bytes: 1 },
        'look',
      ],
    },
    metadata: { attachments: [{ id: 'file-Xyz9', name: 'plan.pdf', mime_type: 'application/pdf', size: 2 }] },
  }
  return readChatGPT({
    id: 'c',
    title: 't',
    create_time: 1700000000,
    current_node: 'm',
    mapping: { m: { id: 'm', parent: null, children: [], message } },
  })
}

const attachmentsIn = (read: ReturnType<typeof conversation>) =>
  read.nodes.flatMap(({ parts }) => parts.filter((part): part is Attachment => part.kind === 'attachment'))

test.each([
  ['a zip of before', { 'file_0a1b-photo.png': 'PNG!', 'deep/file-Xyz9-plan.pdf': 'PDF' }, 'file_0a1b', null],
  [
    'a newer one, which lists names and types elsewhere',
    {
      'file_0a1b.dat': 'PNG!',
      'file-Xyz9.dat': 'PDF',
      'conversation_asset_file_names.json': '{"file_0a1b.dat":"photo.png"}',
      'library_files.json': '[{"id":"file_0a1b","mime_type":"image/png"},{"id":"nothing"}]',
    },
    'photo.png',
    'image/png',
  ],
])('attachments get size and hash from the files of %s', async (_what, contents, name, type) => {
  const read = conversation()
  await new Assets(files(contents)).describe(read)
  expect(attachmentsIn(read)).toEqual([
    attachment({ file: 'file_0a1b', name, type, bytes: 4, sha256: sha256('PNG!') }),
    attachment({
      file: 'file-Xyz9',
      name: 'plan.pdf',
      type: 'application/pdf',
      bytes: 3,
      sha256: sha256('PDF'),
    }),
  ])
})

test('what is not there stays as the conversation says it', async () => {
  const read = conversation()
  await new Assets(files({ 'file-Other.dat': 'x', 'library_files.json': 'no JSON' })).describe(read)
  expect(attachmentsIn(read)).toEqual(attachmentsIn(conversation()))
})
