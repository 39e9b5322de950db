import { MessageRefused } from '../../../core/errors.ts'
import { exactNumber } from '../../../core/json/exact-number.ts'
import type { Value } from '../../../core/value.ts'
import { number, shown } from './columns.ts'
import { scalarText } from './json.ts'

/** Numbers as the digits that records of COBOL hold them in: without the point, which only the column knows. */
export interface Digits {
  readonly negative: boolean
  readonly digits: string
}

/** Whole numbers are integers, others decimals with `scale` digits after the point. A negative zero is zero. */
export function fromDigits(negative: boolean, digits: string, scale: number): Value {
  const padded = digits.padStart(scale + 1, '0')
  const whole = padded.slice(0, padded.length - scale).replace(/^0+(?=\d)/, '')
  const sign = negative && /[1-9]/.test(digits) ? '-' : ''
  if (scale === 0) return exactNumber(`${sign}${whole}`)
  return { type: 'decimal', value: `${sign}${whole}.${padded.slice(-scale)}` }
}

export interface DigitsOf {
  readonly scale?: number | undefined
  readonly signed: boolean
  readonly where: string
}

/** The digits of a number without leading zeros. Refuses what has more digits after the point than the column, rather than round. */
export function toDigits(value: Value | undefined, { scale = 0, signed, where }: DigitsOf): Digits {
  const written = value && scalarText(value)
  const [whole, sign, digits = '', fraction = ''] = number.exec(written ?? '') ?? []
  if (written === undefined || whole === undefined) {
    throw new MessageRefused(
      `${where} holds a number, and the value is ${written ? shown(written) : (value?.type ?? 'not there')}`,
    )
  }
  const kept = fraction.slice(0, scale).padEnd(scale, '0')
  if (/[1-9]/.test(fraction.slice(scale))) {
    throw new MessageRefused(`${where} has ${scale} digits after the point, and ${shown(written)} has more`)
  }
  const all = `${digits}${kept}`.replace(/^0+/, '')
  const negative = sign === '-' && all !== ''
  if (negative && !signed)
    throw new MessageRefused(`${where} has no sign, and the value is ${shown(written)}`)
  return { negative, digits: all }
}

/** The digits filled with zeros up to as many as the column has. */
export function fitting(digits: string, count: number, where: string): string {
  if (digits.length <= count) return digits.padStart(count, '0')
  throw new MessageRefused(`${where} has ${count} digits, and the value has ${digits.length}`)
}

/** Bytes as they are shown in a dump. */
export const hex = (bytes: Uint8Array): string =>
  `X'${Buffer.from(bytes.subarray(0, 32)).toString('hex').toUpperCase()}'`
