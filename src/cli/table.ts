import Table from 'cli-table3'
import type { Style } from './terminal.ts'

const NO_LINES = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid', 'left-mid', 'mid-mid', 'right-mid', 'middle'].flatMap((place) =>
    place.includes('mid') || place === 'left' || place === 'right'
      ? [[place, '']]
      : ['', '-mid', '-left', '-right'].map((part) => [`${place}${part}`, '']),
  ),
)

/** Rows in aligned columns, without lines; the text must be safe for a terminal already. */
export function drawTable(head: string[] | undefined, rows: string[][], style: Style): string {
  const table = new Table({
    chars: { ...NO_LINES, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    ...(head ? { head: head.map((name) => style.bold(name)) } : {}),
  })
  table.push(...rows)
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`
}
