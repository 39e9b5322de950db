import type { Value } from '../../../core/value.ts'

/** What JSON can hold: how an expression sees values. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain }

/** Integers past 2^53 become text, bytes base64, timestamps ISO 8601. */
export function toPlain(value: Value): Plain {
  switch (value.type) {
    case 'null':
      return null
    case 'int64':
    case 'uint64':
      return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : value.value.toString()
    case 'bytes':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      return Buffer.from(value.value).toString('base64')
    case 'timestamp':
      return new Date(value.value).toISOString()
    case 'list':
      return value.value.map(toPlain)
    case 'map':
      return Object.fromEntries(value.value.map(([k, v]) => [String(toPlain(k)), toPlain(v)]))
    default:
      return value.value
  }
}

/** Whole numbers become int32 where they fit, else int64; others float64. Undefined stays undefined. */
export function fromPlain(plain: unknown): Value | undefined {
  switch (typeof plain) {
    case 'undefined':
    case 'function':
      return undefined
    case 'boolean':
      return { type: 'bool', value: plain }
    case 'string':
      return { type: 'string', value: plain }
    case 'number':
      if (!Number.isSafeInteger(plain) || Object.is(plain, -0)) return { type: 'float64', value: plain }
      if (plain === (plain | 0)) return { type: 'int32', value: plain }
      return { type: 'int64', value: BigInt(plain) }
  }
  if (plain === null) return { type: 'null' }
  if (Array.isArray(plain))
    return { type: 'list', value: plain.map(item => fromPlain(item) ?? { type: 'null' }) }
  const entries = Object.entries(plain as object).map(
    ([k, v]) => [{ type: 'string', value: k }, fromPlain(v) ?? { type: 'null' }] as const,
  )
  return { type: 'map', value: entries }
}

/** A value as text, as it stands in a template beside other text. */
export function toText(value: Value): string {
  if (value.type === 'int64' || value.type === 'uint64') return value.value.toString()
  const plain = toPlain(value)
  return typeof plain === 'object' && plain !== null ? JSON.stringify(plain) : String(plain)
}
