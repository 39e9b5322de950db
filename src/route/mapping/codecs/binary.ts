import { MessageRefused } from '../../../core/errors.ts'
import type { Value } from '../../../core/value.ts'
import { type DigitsOf, fromDigits, toDigits } from './digits.ts'

/** Binary integers of COBOL (COMP, COMP-4, COMP-5 on z/OS): big-endian, in two's complement where they have a sign. */
export function binary(options: DigitsOf & { readonly width: number }) {
  const { width, scale = 0, signed, where } = options
  const bits = width * 8
  return {
    fromBytes(bytes: Uint8Array): Value {
      const raw = BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`)
      const value = signed ? BigInt.asIntN(bits, raw) : raw
      return fromDigits(value < 0n, String(value < 0n ? -value : value), scale)
    },
    toBytes(value: Value | undefined): Uint8Array {
      const { negative, digits } = toDigits(value, options)
      const magnitude = digits.length > 20 ? undefined : BigInt(digits || '0')
      const number = magnitude === undefined ? undefined : negative ? -magnitude : magnitude
      if (
        number === undefined ||
        (signed ? BigInt.asIntN(bits, number) : BigInt.asUintN(bits, number)) !== number
      ) {
        throw new MessageRefused(`${where} has ${width} bytes, and the value does not fit`)
      }
      return Buffer.from(
        BigInt.asUintN(bits, number)
          .toString(16)
          .padStart(width * 2, '0'),
        'hex',
      )
    },
  }
}
