import Table from 'cli-table3'
import type { Style } from '../terminal.ts'

const NO_LINES = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid', 'left-mid', 'mid-mid', 'right-mid', 'middle'].flatMap((place) =>
    place.includes('mid') || place === 'left' || place === 'right'
      ? [[place, '']]
      : ['', '-mid', '-left', '-right'].map((part) => [`${place}${part}`, '']),
  ),
)

const GAP = 2
/** The most columns of a cell, even without a terminal. */
const WIDEST = 200
const NARROWEST = 8

/**
 * Formats rows in aligned columns of these widths, without rules; longer text is cut. The text must be
 * escaped already.
 */
export function drawTable(
  head: string[] | undefined,
  rows: string[][],
  widths: number[],
  style: Style,
): string {
  const table = new Table({
    chars: { ...NO_LINES, middle: ' '.repeat(GAP) },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colWidths: widths,
    ...(head ? { head: head.map((name) => style.bold(name)) } : {}),
  })
  table.push(...rows)
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`
}

/** Returns the natural width of a table of these rows. */
export function tableWidth(rows: string[][]): number {
  return totalOf(naturalWidths(rows))
}

/** Returns column widths that fit: while they do not, the widest column shrinks. */
export function fittingWidths(rows: string[][], width: number): number[] {
  const widths = naturalWidths(rows)
  for (
    let widest = Math.max(...widths);
    totalOf(widths) > width && widest > NARROWEST;
    widest = Math.max(...widths)
  ) {
    widths[widths.indexOf(widest)] = widest - 1
  }
  return widths
}

const totalOf = (widths: number[]) => widths.reduce((sum, width) => sum + width + GAP, -GAP)

function naturalWidths(rows: string[][]): number[] {
  return (rows[0] ?? []).map((_cell, column) =>
    Math.min(Math.max(1, ...rows.map((row) => displayWidth(row[column] ?? ''))), WIDEST),
  )
}

const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u

/** Returns the number of terminal columns that text takes; only for widths, so an approximation is enough. */
function displayWidth(text: string): number {
  let width = 0
  for (const char of text) width += WIDE.test(char) ? 2 : 1
  return width
}
