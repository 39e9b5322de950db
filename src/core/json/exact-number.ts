import type { Value } from '../value.ts'

/**
 * A number from its decimal text with every digit of it: whole ones are int32, int64, uint64 or else decimal; others float64
 * where that reads back as the same number, else decimal.
 */
export function exactNumber(text: string): Value {
  if (/^-?\d{1,10}$/.test(text) && text !== '-0') {
    const value = Number(text)
    if (value === (value | 0)) return { type: 'int32', value }
  }
  if (/^-?\d{1,20}$/.test(text) && text !== '-0') {
    const value = BigInt(text)
    if (BigInt.asIntN(64, value) === value) return { type: 'int64', value }
    if (BigInt.asUintN(64, value) === value) return { type: 'uint64', value }
  }
  if (/^-?\d+$/.test(text) && text !== '-0') return { type: 'decimal', value: text }
  const value = Number(text)
  return Number.isFinite(value) && normal(String(value)) === normal(text)
    ? { type: 'float64', value }
    : { type: 'decimal', value: text }
}

/** int32 where it fits, else int64. Throws RangeError for what is no whole number. */
export const wholeNumber = (value: number): Value =>
  value === (value | 0) ? { type: 'int32', value } : { type: 'int64', value: BigInt(value) }

/** Digits without outer zeros, and the power of ten: `1.50` and `15e-1` are the same. The sign of zero is left to float64. */
function normal(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const kept = withoutZeros(digits)
  if (kept === '') return '0'
  return `${sign}${kept}e${Number(exponent) - fraction.length + (digits.length - kept.length)}`
}

/** No regular expression: `0+$` takes the square of the length. */
function withoutZeros(digits: string): string {
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return digits.slice(0, end)
}
