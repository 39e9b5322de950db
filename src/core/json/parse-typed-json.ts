import type { Entry, Value } from '../value.ts'
import { maxDepth } from './typed-json.ts'

/** The inverse of `typedJson`. Throws on what it did not write. */
export function parseTypedJson(text: string): Value {
  return valueFromJson(JSON.parse(text))
}

/** The same for what was parsed already. */
export function valueFromJson(json: unknown, depth = 0): Value {
  if (depth > maxDepth) throw new RangeError(`values nested more than ${maxDepth} deep`)
  if (json === null) return { type: 'null' }
  if (typeof json === 'boolean') return { type: 'bool', value: json }
  if (typeof json === 'string') return { type: 'string', value: json }
  if (Array.isArray(json)) return { type: 'list', value: json.map(item => valueFromJson(item, depth + 1)) }
  if (typeof json !== 'object') throw new Error('a number without its type')
  const [type, value, ...more] = Object.entries(json)[0] ?? []
  if (type === undefined || more.length > 0 || Object.keys(json).length !== 1)
    throw new Error('no typed value')
  if (type === 'map' && Array.isArray(value)) {
    const inner = (item: unknown) => valueFromJson(item, depth + 1)
    return { type, value: value.map(pair => entryOf(pair, inner)) }
  }
  if (typeof value !== 'string' && typeof value !== 'number') throw new Error('no typed value')
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new Error('a number that JSON has rounded')
  }
  return typed(type, String(value))
}

function entryOf(pair: unknown, inner: (item: unknown) => Value): Entry {
  if (!Array.isArray(pair) || pair.length !== 2) throw new Error('no pair of a map')
  return [inner(pair[0]), inner(pair[1])]
}

/** A value of this type from the text that stands for it: decimal digits, base64, or itself. Throws when it is none. */
export function typed(type: string, text: string): Value {
  switch (type) {
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32': {
      const [low, high] = ranges[type]
      const value = Number(text)
      if (!/^-?\d+$/.test(text) || value < low || value > high) throw new Error(`no ${type}`)
      return { type, value }
    }
    case 'int64':
    case 'uint64': {
      // Longer ones take long to read.
      if (!/^-?\d{1,30}$/.test(text)) throw new Error(`no ${type}`)
      const value = BigInt(text)
      if ((type === 'int64' ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)) !== value) {
        throw new Error(`no ${type}`)
      }
      return { type, value }
    }
    case 'float32':
    case 'float64':
    case 'timestamp': {
      const value = Number(text)
      // Number takes hexadecimal, blanks and nothing at all as well.
      if (
        !/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)
          ? !/^(NaN|-?Infinity)$/.test(text)
          : !Number.isFinite(type === 'float32' ? Math.fround(value) : value)
      )
        throw new Error(`no ${type}`)
      return { type, value }
    }
    case 'symbol':
    case 'char':
    case 'uuid':
    case 'decimal':
      return { type, value: text }
    case 'bytes':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      return { type, value: bytesOf(text) }
    default:
      throw new Error(`${type} is no type of a value`)
  }
}

function bytesOf(base64: string): Uint8Array {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) throw new Error('no base64')
  return bytes
}

const ranges = {
  int8: [-0x80, 0x7f],
  int16: [-0x8000, 0x7fff],
  int32: [-0x8000_0000, 0x7fff_ffff],
  uint8: [0, 0xff],
  uint16: [0, 0xffff],
  uint32: [0, 0xffff_ffff],
} as const
