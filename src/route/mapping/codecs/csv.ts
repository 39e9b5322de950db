import { type CsvDialect, type CsvRecord, readCsv, writeCsv } from '../../../core/csv.ts'
import { MessageRefused, sentence } from '../../../core/errors.ts'
import type { Entry } from '../../../core/value.ts'
import { text } from '../../../core/value.ts'
import { type Codec, maxValues, reading, textOf } from './body.ts'
import {
  type CellType,
  checkNames,
  type Record,
  type Records,
  readCell,
  recordsBody,
  recordsOf,
  shown,
  writeCell,
} from './columns.ts'

interface Column {
  readonly name: string
  readonly type: CellType
}

export interface CsvOptions extends CsvDialect {
  /** Without a table the names stand in the header, and all values are text. */
  readonly columns?: readonly Column[] | undefined
  /** The first line holds names; with a table they must be those of its columns. */
  readonly header: boolean
  readonly records: Records
}

/** Reads CSV (RFC 4180): records of as many columns as the table or the header has. */
export function decodeCsv(options: CsvOptions): Codec {
  return body =>
    reading('CSV', () => {
      const lines = readCsv(textOf(body, 'CSV'), options, maxValues)
      const columns = options.header ? headerOf(lines.shift(), options.columns) : (options.columns ?? [])
      return recordsBody(
        lines.map(line => entriesOf(line, columns)),
        options.records,
      )
    })
}

function headerOf(line: CsvRecord | undefined, table: readonly Column[] | undefined): readonly Column[] {
  if (!line) throw new MessageRefused('the body has no line of CSV, not even the header')
  const names = line.cells
  const seen = new Set<string>()
  const twice = names.find(name => seen.size === seen.add(name).size)
  if (twice !== undefined) throw new MessageRefused(`the header of the CSV has ${shown(twice)} twice`)
  if (table && names.join('\n') !== table.map(c => c.name).join('\n')) {
    throw new MessageRefused(
      `the header of the CSV is ${shown(names.join(' '))}, and the columns are ${table.map(c => c.name).join(' ')}`,
    )
  }
  return table ?? names.map(name => ({ name, type: 'text' }))
}

function entriesOf({ cells, line }: CsvRecord, columns: readonly Column[]): readonly Entry[] {
  if (cells.length !== columns.length) {
    throw new MessageRefused(
      `line ${line} of the CSV has ${cells.length} column${cells.length === 1 ? '' : 's'} where ${columns.length} are expected`,
    )
  }
  return columns.map(
    ({ name, type }, i): Entry => [
      text(name),
      readCell(type, cells[i]!, `line ${line} of the CSV, column ${name},`),
    ],
  )
}

/** Writes records, with a line feed between two and none at the end. */
export function encodeCsv(options: CsvOptions): Codec {
  return body => {
    const records = recordsOf(body, 'CSV')
    const columns = options.columns ?? namesOf(records)
    const known = new Set(columns.map(c => c.name))
    const lines = records.map((record, i) => {
      checkNames(record, known)
      return columns.map(({ name, type }) =>
        writeCell(type, record.get(name), `record ${i + 1}, column ${name},`),
      )
    })
    const all = options.header ? [columns.map(c => c.name), ...lines] : lines
    return { kind: 'text', text: written(all, options) }
  }
}

/** The names of the first record; the others have no other ones. */
const namesOf = ([first]: readonly Record[]): readonly Column[] =>
  Array.from(first?.keys() ?? [], name => ({ name, type: 'text' }))

function written(lines: readonly (readonly string[])[], dialect: CsvDialect): string {
  try {
    return writeCsv(lines, dialect)
  } catch (cause) {
    throw new MessageRefused(`the body cannot be written as CSV: ${sentence(cause)}`)
  }
}
