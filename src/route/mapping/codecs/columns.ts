import { MessageRefused } from '../../../core/errors.ts'
import { exactNumber } from '../../../core/json/exact-number.ts'
import type { Body } from '../../../core/message.ts'
import { type Entry, nothing, text, type Value } from '../../../core/value.ts'
import { unfit } from './body.ts'
import { scalarText } from './json.ts'

/** Records of named columns, which CSV and fixed-width blocks have in common. */

export type Records = 'one' | 'many'

/** One record is a map, many are a list of maps. */
export function recordsBody(records: readonly (readonly Entry[])[], expected: Records): Body {
  if (expected === 'many') {
    return { kind: 'list', items: records.map((value): Value => ({ type: 'map', value })) }
  }
  const [only, ...more] = records
  if (only && more.length === 0) return { kind: 'map', entries: only }
  throw new MessageRefused(
    `the body has ${records.length} records where one is expected; records: many reads any number`,
  )
}

/** A record to write: values by the names of their columns. */
export type Record = ReadonlyMap<string, Value>

/** The records of a body: one of a map, any number of a list of maps. */
export function recordsOf(body: Body, format: string): readonly Record[] {
  if (body.kind === 'map') return [recordOf(body.entries)]
  if (body.kind !== 'list') throw unfit(body, `${format} is written from a map or a list of maps`)
  return body.items.map((item, i) => {
    if (item.type === 'map') return recordOf(item.value)
    throw new MessageRefused(`${format} is written from a list of maps, and item ${i + 1} is a ${item.type}`)
  })
}

function recordOf(entries: readonly Entry[]): Record {
  const record = new Map<string, Value>()
  for (const [key, value] of entries) {
    const name = scalarText(key) ?? ''
    if (record.has(name)) throw new MessageRefused(`the record has ${name} twice`)
    record.set(name, value)
  }
  return record
}

/** What has no column would be lost without a word. A column that the record lacks is left empty. */
export function checkNames(record: Record, columns: ReadonlySet<string>): void {
  for (const name of record.keys()) {
    if (!columns.has(name)) {
      throw new MessageRefused(
        `the record has ${name}, for which there is no column; a drop rule leaves it out`,
      )
    }
  }
}

export type CellType = 'text' | 'int' | 'decimal'

/** The value of a cell; one of a number that is blank is null. */
export function readCell(type: CellType, cell: string, where: string): Value {
  if (type === 'text') return text(cell)
  const trimmed = cell.trim()
  if (trimmed === '') return nothing
  const [whole, sign = '', digits = '', fraction] = number.exec(trimmed) ?? []
  if (whole === undefined || (type === 'int' && fraction !== undefined)) {
    throw new MessageRefused(`${where} is no ${type}: ${shown(cell)}`)
  }
  const minus = sign === '-' && /[1-9]/.test(trimmed) ? '-' : ''
  const written = `${minus}${digits.replace(/^0+(?=\d)/, '') || '0'}`
  if (type === 'int') return exactNumber(written)
  return { type: 'decimal', value: fraction ? `${written}.${fraction}` : written }
}

/** The inverse of `readCell`. */
export function writeCell(type: CellType, value: Value | undefined, where: string): string {
  const cell = value ? scalarText(value) : ''
  if (cell === undefined) throw new MessageRefused(`${where} cannot hold a ${value?.type}`)
  if (type === 'text' || cell === '') return cell
  const [whole, , , fraction] = number.exec(cell) ?? []
  if (whole === undefined || (type === 'int' && fraction !== undefined)) {
    throw new MessageRefused(`${where} holds an ${type}, and the value is ${shown(cell)}`)
  }
  return cell
}

/** Sign, whole digits, digits after the point. */
export const number = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?$/

/** The beginning of a value that is wrong, for a sentence. */
export const shown = (value: string): string =>
  JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
