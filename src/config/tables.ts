import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { readCsv } from '../core/csv.ts'
import { exactNumber } from '../core/json/exact-number.ts'
import { type Entry, nothing, text, type Value } from '../core/value.ts'

/** Tables that `lookup` rules look in. Both readers throw an Error that names the line. */

/** The rows of a table by their keys; each is a map. */
export type Rows = ReadonlyMap<string, Value>

/** A table of comma-separated values with a header. The keys are in `column`, or else in the first; all values are text. */
export function rowsOfCsv(csv: string, column: string | undefined): Rows {
  const records = readCsv(csv.replace(/^\ufeff/, ''), { separator: ',', quote: '"' })
  const [header, ...lines] = records.filter(({ cells }) => cells.length > 1 || cells[0] !== '')
  if (!header) throw new Error('expected a header and rows, and the file is empty')
  const names = header.cells
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) throw new Error(`the header has the column "${twice}" twice`)
  const at = column === undefined ? 0 : names.indexOf(column)
  if (at < 0) throw new Error(`there is no column "${column}" among ${names.join(', ')}`)
  const rows = new UniqueRows()
  for (const { cells, line } of lines) {
    if (cells.length !== names.length) {
      throw new Error(`line ${line}: the row has ${cells.length} columns, and the header ${names.length}`)
    }
    const entries = names.map((name, i): Entry => [text(name), text(cells[i]!)])
    rows.add(cells[at]!, { type: 'map', value: entries }, line)
  }
  return rows.rows
}

/** A YAML map of rows by key. A row is a map; a scalar is a row with the one column `value`. Keys are text as it is written. */
export function rowsOfYaml(yaml: string): Rows {
  const lines = new LineCounter()
  // The parser takes 7 and 007 for one key.
  const document = parseDocument(yaml, { lineCounter: lines, prettyErrors: false, uniqueKeys: false })
  const lineAt = (offset: number | undefined) => Math.max(lines.linePos(offset ?? 0).line, 1)
  const [error] = document.errors
  if (error) throw new Error(`line ${lineAt(error.pos[0])}: no well-formed YAML: ${error.message}`)
  if (!isMap(document.contents)) throw new Error('expected a map of rows by their keys')
  const rows = new UniqueRows()
  for (const { key, value } of document.contents.items) {
    const line = lineAt((key as Node).range?.[0])
    const row = rowValue(value, document, line)
    if (row.type === 'list') throw new Error(`line ${line}: expected a row: a map of columns, or a scalar`)
    rows.add(
      keyOf(key, line),
      row.type === 'map' ? row : { type: 'map', value: [[text('value'), row]] },
      line,
    )
  }
  return rows.rows
}

class UniqueRows {
  readonly rows = new Map<string, Value>()
  readonly #lines = new Map<string, number>()

  add(key: string, row: Value, line: number): void {
    const first = this.#lines.get(key)
    if (first !== undefined)
      throw new Error(`line ${line}: the key "${key}" is there already, in line ${first}`)
    this.#lines.set(key, line)
    this.rows.set(key, row)
  }
}

function keyOf(key: unknown, line: number): string {
  if (isScalar(key)) return key.source ?? String(key.value)
  throw new Error(`line ${line}: expected a key that is a text or a number`)
}

const maxNesting = 20

function rowValue(node: unknown, document: Document.Parsed, line: number, depth = 0): Value {
  if (depth > maxNesting) throw new Error(`line ${line}: the row is nested more than ${maxNesting} deep`)
  if (isAlias(node)) {
    const meant = node.resolve(document)
    if (!meant) throw new Error(`line ${line}: nothing is named *${node.source}`)
    return rowValue(meant, document, line, depth + 1)
  }
  const inner = (item: unknown) => rowValue(item, document, line, depth + 1)
  if (isSeq(node)) return { type: 'list', value: node.items.map(inner) }
  if (isMap(node)) {
    const entries = node.items.map(({ key, value }) => [keyOf(key, line), inner(value)] as const)
    const names = entries.map(([name]) => name)
    const twice = names.find((name, i) => names.indexOf(name) < i)
    if (twice !== undefined) throw new Error(`line ${line}: the row has "${twice}" twice`)
    return { type: 'map', value: entries.map(([name, value]): Entry => [text(name), value]) }
  }
  return isScalar(node) ? scalarOf(node.value, node.source) : nothing
}

/** Numbers with all digits that are written. */
function scalarOf(value: unknown, source: string | undefined): Value {
  switch (typeof value) {
    case 'boolean':
      return { type: 'bool', value }
    case 'string':
      return text(value)
    case 'number': {
      const digits = /^[+-]?\d+(\.\d+)?$/.test(source ?? '') ? source!.replace(/^\+/, '') : String(value)
      return Number.isFinite(value) ? exactNumber(withoutZeros(digits)) : { type: 'float64', value }
    }
    default:
      return nothing
  }
}

const withoutZeros = (digits: string): string => digits.replace(/^(-?)0+(?=\d)/, '$1')
