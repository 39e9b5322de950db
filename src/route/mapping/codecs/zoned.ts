import { MessageRefused } from '../../../core/errors.ts'
import type { Value } from '../../../core/value.ts'
import { shown } from './columns.ts'
import { type DigitsOf, fitting, fromDigits, hex, toDigits } from './digits.ts'

type Options = DigitsOf & { readonly width: number }

/**
 * Zoned decimals of COBOL (DISPLAY) in EBCDIC: a digit a byte, in its lower half. The upper half of the last byte is the sign: C,
 * A, E and F are positive, D and B negative; C and D are written, F where there is no sign.
 */
export function zoned(options: Options) {
  const { width, scale = 0, signed, where } = options
  return {
    fromBytes(bytes: Uint8Array): Value {
      const halves = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
      const [, before = '', sign = '', last = ''] = /^((?:f\d)*)([a-f])(\d)$/.exec(halves) ?? []
      if (sign === '') throw new MessageRefused(`${where} is no zoned decimal: ${hex(bytes)}`)
      const negative = sign === 'd' || sign === 'b'
      if (negative && !signed)
        throw new MessageRefused(`${where} has no sign, and it is negative: ${hex(bytes)}`)
      return fromDigits(negative, `${before.replaceAll('f', '')}${last}`, scale)
    },
    toBytes(value: Value | undefined): Uint8Array {
      const { negative, digits } = toDigits(value, options)
      const bytes = Uint8Array.from(fitting(digits, width, where), digit => 0xf0 + Number(digit))
      if (signed) bytes[width - 1]! &= negative ? 0xdf : 0xcf
      return bytes
    },
  }
}

const positive = '{ABCDEFGHI'
const negative = '}JKLMNOPQR'
/** What compilers for ASCII write for a negative digit: bit 6 is set (GnuCOBOL, Micro Focus). */
const negativeOfAscii = 'pqrstuvwxy'

/**
 * The same after a translation to another charset, or in text: the last character is the digit and the sign at once. What
 * ASCII compilers write for negative numbers is read as well.
 */
export function zonedText(options: Options) {
  const { width, scale = 0, signed, where } = options
  return {
    fromText(characters: string): Value {
      const last = characters.at(-1) ?? ''
      const before = characters.slice(0, -1)
      const places = [positive, negative, negativeOfAscii, '0123456789'].map(signs => signs.indexOf(last))
      const digit = Math.max(...places)
      if (last === '' || digit < 0 || !/^\d*$/.test(before)) {
        throw new MessageRefused(`${where} is no zoned decimal: ${shown(characters)}`)
      }
      const isNegative = places[1]! >= 0 || places[2]! >= 0
      if (isNegative && !signed) {
        throw new MessageRefused(`${where} has no sign, and it is negative: ${shown(characters)}`)
      }
      return fromDigits(isNegative, `${before}${digit}`, scale)
    },
    toText(value: Value | undefined): string {
      const { negative: isNegative, digits } = toDigits(value, options)
      const filled = fitting(digits, width, where)
      if (!signed) return filled
      return filled.slice(0, -1) + (isNegative ? negative : positive)[Number(filled.at(-1))]
    },
  }
}
