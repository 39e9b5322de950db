import type { Entry, Value } from '../../core/value.ts'

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
export function fromTypedJson(json: TypedJson): Value {
  const { type } = json
  const value = 'value' in json ? json.value : undefined
  switch (type) {
    case 'null':
      return { type }
    case 'int64':
    case 'uint64':
      return { type, value: BigInt(value as string) }
    case 'float32':
    case 'float64':
      return { type, value: Number(value) }
    case 'bytes':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      return { type, value: new Uint8Array(Buffer.from(value as string, 'base64')) }
    case 'list':
      return { type, value: (value as readonly TypedJson[]).map(fromTypedJson) }
    case 'map':
      return { type, value: entriesFromJson(value as readonly (readonly [TypedJson, TypedJson])[]) }
    case 'bool':
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'timestamp':
    case 'string':
    case 'symbol':
    case 'char':
    case 'uuid':
    case 'decimal':
      return { type, value } as Value
    default:
      throw new Error(`"${type}" is no type of a value`)
  }
}

export const entriesFromJson = (entries: readonly (readonly [TypedJson, TypedJson])[]): readonly Entry[] =>
  entries.map(([k, v]) => [fromTypedJson(k), fromTypedJson(v)] as const)
