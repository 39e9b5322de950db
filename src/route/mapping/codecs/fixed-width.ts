import { MessageRefused } from '../../../core/errors.ts'
import type { Body } from '../../../core/message.ts'
import { type Entry, text } from '../../../core/value.ts'
import { type Codec, checkCount, maxBytes, reading, textOf } from './body.ts'
import { type Charset, charsetNamed, utf8 } from './charset.ts'
import { checkNames, type Records, recordsBody, recordsOf } from './columns.ts'
import { type Field, type FieldType, fieldOf } from './fields.ts'

export interface FixedColumn {
  /** A column without a name is filler: skipped when read, blanks when written. */
  readonly name?: string | undefined
  readonly width: number
  readonly type: FieldType
  readonly scale?: number | undefined
  readonly signed: boolean
  readonly charset?: string | undefined
}

export interface FixedWidthOptions {
  readonly columns: readonly FixedColumn[]
  readonly charset?: string | undefined
  readonly trim: boolean
  readonly records: Records
}

/**
 * Reads records whose columns have fixed widths. With a charset the widths are bytes, as in records of COBOL; without one they
 * are characters of text.
 */
export function decodeFixedWidth(options: FixedWidthOptions): Codec {
  const { columns, length, unit } = compiled(options)
  const charset = options.charset === undefined ? undefined : charsetNamed(options.charset)
  return body => {
    const whole = charset ? bytesOf(body, charset) : Array.from(textOf(body, 'fixed_width'))
    const isRight = options.records === 'many' ? whole.length % length === 0 : whole.length === length
    if (!isRight) {
      throw new MessageRefused(
        `the body has ${whole.length} ${unit}, and a record has ${length}${options.records === 'many' ? ' each' : ''}`,
      )
    }
    reading('fixed_width', () => checkCount((whole.length / length) * columns.length))
    const records: (readonly Entry[])[] = []
    for (let from = 0; from < whole.length; from += length) {
      records.push(
        columns.flatMap(({ name, at, width, field }): Entry[] => {
          if (name === undefined) return []
          const piece = whole.slice(from + at, from + at + width)
          const value = Array.isArray(piece)
            ? field.fromText(piece.join(''))
            : field.fromBytes(piece as Uint8Array)
          return [[text(name), value]]
        }),
      )
    }
    return recordsBody(records, options.records)
  }
}

function bytesOf(body: Body, charset: Charset): Uint8Array {
  if (body.kind === 'text') return charset.encode(body.text)
  if (body.kind === 'bytes' && body.bytes.length <= maxBytes) return body.bytes
  // Refuses the kind or the size.
  textOf(body, 'fixed_width')
  throw new MessageRefused('fixed_width is read from text or bytes')
}

/** Writes records: bytes where there is a charset, else text. */
export function encodeFixedWidth(options: FixedWidthOptions): Codec {
  const { columns } = compiled(options)
  const names = new Set(columns.flatMap(({ name }) => name ?? []))
  return body => {
    const records = recordsOf(body, 'fixed_width')
    for (const record of records) checkNames(record, names)
    const fields = records.flatMap(record =>
      columns.map(({ name, field }) => ({ field, value: name === undefined ? undefined : record.get(name) })),
    )
    if (options.charset === undefined) {
      return { kind: 'text', text: fields.map(({ field, value }) => field.toText(value)).join('') }
    }
    return { kind: 'bytes', bytes: Buffer.concat(fields.map(({ field, value }) => field.toBytes(value))) }
  }
}

interface Placed {
  readonly name: string | undefined
  readonly at: number
  readonly width: number
  readonly field: Field
}

function compiled({ columns, charset, trim }: FixedWidthOptions) {
  let at = 0
  const placed = columns.map((column): Placed => {
    const { name, width } = column
    const type = name === undefined ? 'text' : column.type
    const own = column.charset ?? charset
    const field = fieldOf({
      ...column,
      type,
      where: `column ${name ?? 'without a name'}`,
      scale: column.scale,
      charset: own === undefined ? utf8 : charsetNamed(own),
      trim,
    })
    at += width
    return { name, at: at - width, width, field }
  })
  return { columns: placed, length: at, unit: charset === undefined ? 'characters' : 'bytes' }
}
