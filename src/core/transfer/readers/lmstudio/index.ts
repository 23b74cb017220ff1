import { basename, resolve } from 'node:path'
import { conversations, type ImportFormat } from '../../import/import-format.ts'
import { looksLikeLMStudio, readLMStudio } from './lmstudio.ts'

export const lmstudio = {
  name: 'lmstudio',
  json: conversations(looksLikeLMStudio, (value, { name, path, named }) =>
    readLMStudio(value, named ? basename(name) : name, path === undefined ? name : resolve(path)),
  ),
} as const satisfies ImportFormat
