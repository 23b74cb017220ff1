import { type Attachment, attachment } from '../attachments.ts'
import { asArray, asCount, asName, asRecord, asRecords, type JsonRecord, leftover } from '../values.ts'

/** Returns the pieces of content that stand for files: the piece itself, or those inside a recording. */
export function pointersIn(piece: JsonRecord): JsonRecord[] {
  const {
    audio_asset_pointer: sound,
    video_container_asset_pointer: video,
    frames_asset_pointers: frames,
  } = piece
  return asRecords([piece, sound, video, ...asArray(frames)]).filter((part) => asName(part.asset_pointer))
}

/** Finds the pieces that stand for the files of a message, including those shown by its code. */
export function findPointers(content: JsonRecord, metadata: JsonRecord): JsonRecord[] {
  const images = asRecords(asRecord(metadata.aggregate_result)?.messages)
    .filter(({ image_url }) => asName(image_url))
    .map(({ image_url, width, height }) => ({ asset_pointer: image_url, width, height }))
  return [...asRecords(content.parts), ...asRecords(content.assets)].flatMap(pointersIn).concat(images)
}

/**
 * Returns the files of a message: those that it shows, with the facts from `attachments`, then the others
 * listed there.
 */
export function readAttachments(pointers: JsonRecord[], metadata: JsonRecord): Attachment[] {
  const listed = asRecords(metadata.attachments)
  const shown = new Map<string, JsonRecord>()
  for (const pointer of pointers) {
    const file = asName(pointer.asset_pointer)
      ?.replace(/^[a-z-]+:\/\//, '')
      .replace(/[#?].*$/, '')
    if (file) shown.set(file, pointer)
  }
  const others = listed.filter(({ id }) => !shown.has(asName(id) ?? '')).map((file) => describe(file, null))
  const own = [...shown].map(([id, pointer]) => {
    const known = listed.find((file) => asName(file.id) === id) ?? {}
    return describe({ id, size: pointer.size_bytes, ...leftover(known, ['id']) }, pointer)
  })
  return [...own, ...others]
}

function describe(file: JsonRecord, pointer: JsonRecord | null): Attachment {
  const format = asName(pointer?.format)
  const type = asName(file.mime_type) ?? asName(file.mimeType) ?? (format && `audio/${format}`)
  const id = asName(file.id)
  return attachment({
    name: asName(file.name) ?? id,
    type,
    bytes: asCount(file.size),
    ...(id === null ? {} : { file: id }),
  })
}
