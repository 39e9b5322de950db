import { typed } from '../../core/json/parse-typed-json.ts'
import { maxDepth } from '../../core/json/typed-json.ts'
import type { Entry, Value } from '../../core/value.ts'
import { Fields } from './fields.ts'

/** JSON that keeps the type: `{ "type": "int64", "value": "9007199254740993" }`. Bytes are base64, special floats text. */
export type TypedJson =
  | { readonly type: string }
  | { readonly type: string; readonly value: string | number | boolean }
  | { readonly type: 'list'; readonly value: readonly TypedJson[] }
  | { readonly type: 'map'; readonly value: readonly (readonly [TypedJson, TypedJson])[] }

export function toTypedJson(value: Value): TypedJson {
  switch (value.type) {
    case 'null':
      return { type: 'null' }
    case 'int64':
    case 'uint64':
      return { type: value.type, value: value.value.toString() }
    case 'float32':
    case 'float64':
      return { type: value.type, value: floatToJson(value.value) }
    case 'bytes':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      return { type: value.type, value: Buffer.from(value.value).toString('base64') }
    case 'list':
      return { type: 'list', value: value.value.map(toTypedJson) }
    case 'map':
      return { type: 'map', value: entriesToJson(value.value) }
    default:
      return { type: value.type, value: value.value }
  }
}

export const entriesToJson = (entries: readonly Entry[]): readonly (readonly [TypedJson, TypedJson])[] =>
  entries.map(([k, v]) => [toTypedJson(k), toTypedJson(v)] as const)

/** NaN, the infinities and minus zero have no JSON number. */
const floatToJson = (n: number): number | string =>
  Number.isFinite(n) && !Object.is(n, -0) ? n : Object.is(n, -0) ? '-0' : String(n)

/** The inverse of `toTypedJson`. Throws on what it did not write. */
export function fromTypedJson(json: unknown, depth = 0): Value {
  if (depth > maxDepth) throw new Error(`values nested more than ${maxDepth} deep`)
  const fields = new Fields(json)
  const type = fields.text('type')
  const value = typedValue(type, fields, depth)
  fields.end()
  return value
}

function typedValue(type: string, fields: Fields, depth: number): Value {
  switch (type) {
    case 'null':
      return { type }
    case 'bool':
      return { type, value: fields.bool('value') }
    case 'string':
      return { type, value: fields.text('value') }
    case 'bytes':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      return { type, value: fields.bytes('value') }
    case 'list':
      return { type, value: fields.list('value').map(item => fromTypedJson(item, depth + 1)) }
    case 'map':
      return { type, value: entriesFromJson(fields.list('value'), depth + 1) }
    case 'float32':
    case 'float64':
      return typed(type, String(fields.any('value')))
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'timestamp':
      return typed(type, String(fields.number('value')))
    default:
      return typed(type, fields.text('value'))
  }
}

export const entriesFromJson = (entries: readonly unknown[], depth = 0): readonly Entry[] =>
  entries.map(pair => {
    if (!Array.isArray(pair) || pair.length !== 2) throw new Error('expected pairs of key and value')
    return [fromTypedJson(pair[0], depth), fromTypedJson(pair[1], depth)] as const
  })
