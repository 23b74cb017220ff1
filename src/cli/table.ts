import Table from 'cli-table3'
import type { Style } from './terminal.ts'

const NO_LINES = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid', 'left-mid', 'mid-mid', 'right-mid', 'middle'].flatMap((place) =>
    place.includes('mid') || place === 'left' || place === 'right'
      ? [[place, '']]
      : ['', '-mid', '-left', '-right'].map((part) => [`${place}${part}`, '']),
  ),
)

const GAP = 2

/**
 * Rows in aligned columns, without lines; where they are wider than the terminal, the widest column is cut. The text
 * must be safe for a terminal already.
 */
export function drawTable(head: string[] | undefined, rows: string[][], style: Style): string {
  const table = new Table({
    chars: { ...NO_LINES, middle: ' '.repeat(GAP) },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colWidths: columnWidths(head ? [head, ...rows] : rows, style.width),
    ...(head ? { head: head.map((name) => style.bold(name)) } : {}),
  })
  table.push(...rows)
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`
}

/** How wide a table of these rows wants to be. */
export function tableWidth(rows: string[][]): number {
  return naturalWidths(rows).reduce((sum, column) => sum + column + GAP, -GAP)
}

function naturalWidths(rows: string[][]): number[] {
  return (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
}

/** Nothing for columns as wide as they want to be, and for the widest what is left when all do not fit. */
function columnWidths(rows: string[][], width: number): number[] {
  const natural = naturalWidths(rows)
  const excess = tableWidth(rows) - width
  if (excess <= 0) return []
  const widest = natural.indexOf(Math.max(...natural))
  const widths: number[] = []
  widths[widest] = Math.max((natural[widest] ?? 0) - excess, 10)
  return widths
}
