import { MessageRefused } from '../../../core/errors.ts'
import { text, type Value } from '../../../core/value.ts'
import { binary } from './binary.ts'
import type { Charset } from './charset.ts'
import { readCell, shown, writeCell } from './columns.ts'
import { fromDigits, toDigits } from './digits.ts'
import { scalarText } from './json.ts'
import { packed } from './packed.ts'
import { zoned, zonedText } from './zoned.ts'

export type FieldType = 'text' | 'int' | 'decimal' | 'packed_decimal' | 'zoned_decimal' | 'binary'

/** One column of a fixed-width record. All four throw MessageRefused. */
export interface Field {
  fromText(characters: string): Value
  fromBytes(bytes: Uint8Array): Value
  toText(value: Value | undefined): string
  toBytes(value: Value | undefined): Uint8Array
}

export interface FieldOptions {
  /** Begins a sentence: `column AMOUNT`. */
  readonly where: string
  readonly width: number
  readonly type: FieldType
  /** Digits after a point that is not written. */
  readonly scale: number | undefined
  readonly signed: boolean
  readonly charset: Charset
  readonly trim: boolean
}

export function fieldOf(options: FieldOptions): Field {
  switch (options.type) {
    case 'packed_decimal':
      return ofBytes(packed(options))
    case 'binary':
      return ofBytes(binary(options))
    case 'zoned_decimal':
      return options.charset.isEbcdic ? ofBytes(zoned(options)) : ofText(zonedText(options), options)
    default:
      return ofText(plain(options), options)
  }
}

type OfBytes = Pick<Field, 'fromBytes' | 'toBytes'>
type OfText = Pick<Field, 'fromText' | 'toText'>

/** The schema lets no such column into a record of text. */
const ofBytes = (field: OfBytes): Field => ({
  ...field,
  fromText: () => {
    throw new Error('a column of bytes in a record of characters')
  },
  toText: () => {
    throw new Error('a column of bytes in a record of characters')
  },
})

function ofText(field: OfText, { charset, width, where }: FieldOptions): Field {
  const blank = charset.encode(' ')
  return {
    ...field,
    fromBytes: bytes => field.fromText(charset.decode(bytes, 'part')),
    toBytes(value) {
      const written = field.toText(value)
      const bytes = charset.encode(written)
      const over = bytes.length - width
      if (over === 0) return bytes
      // `toText` has filled it up to `width` characters, of which some may be longer than a byte.
      const kept = bytes.subarray(0, width)
      const cut = bytes.subarray(width)
      const isBlank = over > 0 && Buffer.from(cut).equals(Buffer.alloc(cut.length, blank))
      if (isBlank) return kept
      throw tooLong(where, width, written.trimEnd())
    },
  }
}

const tooLong = (where: string, width: number, written: string): MessageRefused =>
  new MessageRefused(`${where} has room for ${width}, and ${shown(written)} is longer`)

/** Text is filled with blanks on the right, numbers with zeros on the left. */
function plain({ type, width, scale, signed, trim, where }: FieldOptions): OfText {
  const filled = (written: string): string => {
    const length = Array.from(written).length
    if (length > width) throw tooLong(where, width, written)
    return written + ' '.repeat(width - length)
  }
  if (type === 'text') {
    return {
      fromText: characters => text(trim ? characters.replace(/(?<! ) +$/, '') : characters),
      toText: value => filled(writeCell('text', value, where)),
    }
  }
  const cell = type === 'int' ? 'int' : 'decimal'
  return {
    fromText(characters) {
      const value = readCell(scale === undefined ? cell : 'int', characters, where)
      if (value.type === 'null') return value
      const written = characters.trim()
      const negative = written.startsWith('-')
      if (negative && !signed) throw new MessageRefused(`${where} has no sign, and it is ${shown(written)}`)
      return scale === undefined ? value : fromDigits(negative, written.replace(/^[+-]/, ''), scale)
    },
    toText(value) {
      if (value === undefined || scalarText(value) === '') return filled('')
      const { negative, digits } =
        scale === undefined
          ? unsigned(writeCell(cell, value, where))
          : toDigits(value, { scale, signed, where })
      if (negative && !signed) throw new MessageRefused(`${where} has no sign, and the value is negative`)
      const room = negative ? width - 1 : width
      if (digits.length > room) throw tooLong(where, width, digits)
      return `${negative ? '-' : ''}${digits.padStart(room, '0')}`
    },
  }
}

const unsigned = (written: string) => ({
  negative: written.startsWith('-'),
  digits: written.replace(/^[+-]/, ''),
})
