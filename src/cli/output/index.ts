import { csv } from './csv.ts'
import { json } from './json.ts'
import { ndjson } from './ndjson.ts'
import type { OutputFormat } from './output-format.ts'
import { table } from './table.ts'

/** Every output format by its name; a further one is a file and a name here. */
export const OUTPUT_FORMATS = { table, json, ndjson, csv } satisfies Record<string, OutputFormat>

export type Format = keyof typeof OUTPUT_FORMATS
export const FORMATS = Object.keys(OUTPUT_FORMATS) as Format[]
