import { MessageRefused } from '../../../core/errors.ts'
import type { Value } from '../../../core/value.ts'
import { type DigitsOf, fitting, fromDigits, hex, toDigits } from './digits.ts'

/**
 * Packed decimals of COBOL (COMP-3): two digits a byte, and the sign in the last half byte. C, A, E and F are positive, D and B
 * negative (z/Architecture Principles of Operation, Decimal Instructions); C and D are written, F where there is no sign.
 */
export function packed(options: DigitsOf & { readonly width: number }) {
  const { width, scale = 0, signed, where } = options
  return {
    fromBytes(bytes: Uint8Array): Value {
      const nibbles = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
      const digits = nibbles.slice(0, -1)
      const sign = nibbles.at(-1) ?? ''
      if (!/^\d+$/.test(digits) || !/[a-f]/.test(sign)) {
        throw new MessageRefused(`${where} is no packed decimal: ${hex(bytes)}`)
      }
      const negative = sign === 'd' || sign === 'b'
      if (negative && !signed)
        throw new MessageRefused(`${where} has no sign, and it is negative: ${hex(bytes)}`)
      return fromDigits(negative, digits, scale)
    },
    toBytes(value: Value | undefined): Uint8Array {
      const { negative, digits } = toDigits(value, options)
      const sign = !signed ? 'f' : negative ? 'd' : 'c'
      return Buffer.from(`${fitting(digits, width * 2 - 1, where)}${sign}`, 'hex')
    },
  }
}
