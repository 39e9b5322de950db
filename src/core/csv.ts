/**
 * Comma-separated values (RFC 4180), with another separator or quote where one is given; an empty `quote` quotes nothing. A line
 * ends with CR, LF or both. Linear in the text, which matters with bodies that strangers write: csv-parse 7 takes seconds for a
 * few megabytes.
 */
export interface CsvDialect {
  /** One character. */
  readonly separator: string
  /** One character, or none. */
  readonly quote: string
}

export interface CsvRecord {
  readonly cells: readonly string[]
  /** The line that it begins in, from 1. */
  readonly line: number
}

/** All records, of however many cells. Throws SyntaxError with the line of a quote that is wrong, RangeError past `maxCells`. */
export function readCsv(
  csv: string,
  { separator, quote }: CsvDialect,
  maxCells = Number.POSITIVE_INFINITY,
): CsvRecord[] {
  const plain = new RegExp(`[^${escaped(separator)}\\r\\n]*`, 'y')
  const records: CsvRecord[] = []
  let at = 0
  let line = 1
  let count = 0

  const quoted = (): string => {
    let value = ''
    for (at++; ; at++) {
      const end = csv.indexOf(quote, at)
      if (end < 0) throw new SyntaxError(`a quote that begins in line ${line} and does not end`)
      value += csv.slice(at, end)
      at = end + 1
      if (csv[at] !== quote) return value
      value += quote
    }
  }
  const unquoted = (): string => {
    plain.lastIndex = at
    const [value = ''] = plain.exec(csv) ?? []
    if (quote !== '' && value.includes(quote)) {
      throw new SyntaxError(`line ${line}: a quote in a value that does not begin with one`)
    }
    at += value.length
    return value
  }

  while (at < csv.length) {
    const first = line
    const cells: string[] = []
    for (;;) {
      if (++count > maxCells) throw new RangeError(`more than ${maxCells} values`)
      if (quote !== '' && csv[at] === quote) {
        const value = quoted()
        line += value.match(lineBreaks)?.length ?? 0
        cells.push(value)
      } else cells.push(unquoted())
      if (csv[at] !== separator) break
      at++
    }
    const end = lineBreak.exec(csv.slice(at, at + 2))?.[0]
    if (end === undefined) throw new SyntaxError(`line ${line}: more text after a quote that ends`)
    at += end.length
    line++
    records.push({ cells, line: first })
  }
  return records
}

const lineBreaks = /\r\n|\r|\n/g
const lineBreak = /^(?:\r\n|\r|\n|$)/

/** In a character class. */
const escaped = (character: string): string => character.replace(/[\\\]^-]/, '\\$&')

/**
 * The inverse: lines with a line feed between two and none at the end. Throws SyntaxError for a cell that needs a quote where
 * there is none.
 */
export function writeCsv(lines: readonly (readonly string[])[], { separator, quote }: CsvDialect): string {
  const special = new RegExp(`[${escaped(separator)}${quote === '' ? '' : escaped(quote)}\\r\\n\\ufeff]`)
  const cell = (value: string, isAlone: boolean): string => {
    // An empty line at the end would be none.
    if (!special.test(value) && !(isAlone && value === '')) return value
    if (quote !== '') return `${quote}${value.replaceAll(quote, quote + quote)}${quote}`
    throw new SyntaxError(`${JSON.stringify(value.slice(0, 40))} would need a quote`)
  }
  return lines.map(line => line.map(value => cell(value, line.length === 1)).join(separator)).join('\n')
}
