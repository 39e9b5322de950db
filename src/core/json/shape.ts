import type { Entry, Value } from '../value.ts'
import { Digits, type JsonText, parseJsonText } from './json-text.ts'
import { typed } from './parse-typed-json.ts'
import { numberText } from './typed-json.ts'

/**
 * The types of a value that plain JSON (`plainJson`) does not show: the name of a scalar's type, those of a list's items
 * in their order, those of a map's values by key. Strings, booleans and null have none, nor have numbers that are read
 * as what they were (`naturalType`), nor a list or map of such.
 */
export type Shape = string | readonly (Shape | null)[] | { readonly [key: string]: Shape }

/** Plain JSON cannot hold it: a map whose keys are no strings or stand there twice. */
export const unshapely = Symbol('unshapely')

export function shapeOf(value: Value): Shape | undefined | typeof unshapely {
  switch (value.type) {
    case 'null':
    case 'bool':
    case 'string':
      return undefined
    case 'int32':
    case 'int64':
    case 'float64':
      return naturalType(numberText(value.value)) === value.type ? undefined : value.type
    case 'list': {
      const shapes = value.value.map(shapeOf)
      if (shapes.includes(unshapely)) return unshapely
      return shapes.some(s => s !== undefined) ? shapes.map(s => (s as Shape | undefined) ?? null) : undefined
    }
    case 'map':
      return shapeOfEntries(value.value)
    default:
      return value.type
  }
}

function shapeOfEntries(entries: readonly Entry[]): Shape | undefined | typeof unshapely {
  const keys = new Set<string>()
  const shapes: [string, Shape][] = []
  for (const [key, value] of entries) {
    if (key.type !== 'string' || keys.has(key.value)) return unshapely
    keys.add(key.value)
    const shape = shapeOf(value)
    if (shape === unshapely) return unshapely
    if (shape !== undefined) shapes.push([key.value, shape])
  }
  return shapes.length > 0 ? Object.fromEntries(shapes) : undefined
}

/** What a number is when nothing says otherwise: the smaller of int32 and int64 that holds it, else float64. */
function naturalType(text: string): 'int32' | 'int64' | 'float64' | undefined {
  if (noNumbers.test(text)) return undefined
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return 'float64'
  const value = BigInt(text)
  if (BigInt.asIntN(32, value) === value) return 'int32'
  return BigInt.asIntN(64, value) === value ? 'int64' : 'float64'
}

/** Inverse of `plainJson` with the shape of the value. Throws for a text that is no JSON or does not fit the shape. */
export const fromPlainJson = (json: string, shape: Shape | undefined): Value =>
  built(parseJsonText(json), shape ?? null)

function built(json: JsonText, shape: Shape | null): Value {
  if (Array.isArray(json)) {
    if (shape !== null && !Array.isArray(shape)) throw new Error('a list where there was none')
    const shapes = shape as readonly (Shape | null)[] | null
    if (shapes !== null && shapes.length !== json.length) throw new Error('a list of another length')
    return { type: 'list', value: json.map((item, i) => built(item, shapes?.[i] ?? null)) }
  }
  if (typeof json === 'object' && json !== null && 'pairs' in json) {
    if (shape !== null && (typeof shape !== 'object' || Array.isArray(shape)))
      throw new Error('a map where there was none')
    return { type: 'map', value: entriesOf(json.pairs, shape as { readonly [key: string]: Shape } | null) }
  }
  return scalarOf(json as Exclude<typeof json, readonly JsonText[]>, shape)
}

function entriesOf(
  pairs: readonly (readonly [string, JsonText])[],
  shapes: { readonly [key: string]: Shape } | null,
): Entry[] {
  const keys = new Set(pairs.map(([key]) => key))
  for (const key in shapes) if (!keys.has(key)) throw new Error('a map without one of its keys')
  return pairs.map(([key, value]): Entry => {
    const inner = shapes && Object.hasOwn(shapes, key) ? shapes[key]! : null
    return [{ type: 'string', value: key }, built(value, inner)]
  })
}

const numbers = /^(u?int(8|16|32|64)|float(32|64)|timestamp)$/
const noNumbers = /^(NaN|-?Infinity)$/

function scalarOf(json: null | boolean | string | Digits, shape: Shape | null): Value {
  if (shape === null) {
    if (json === null) return { type: 'null' }
    if (typeof json === 'boolean') return { type: 'bool', value: json }
    if (typeof json === 'string') return { type: 'string', value: json }
    return typed(naturalType(json.text)!, json.text)
  }
  if (typeof shape !== 'string') throw new Error('a scalar where there was none')
  if (json instanceof Digits) {
    if (numbers.test(shape)) return typed(shape, json.text)
  } else if (typeof json === 'string') {
    const date = shape === 'timestamp' ? Date.parse(json) : Number.NaN
    if (!Number.isNaN(date)) return { type: 'timestamp', value: date }
    if (!numbers.test(shape) || noNumbers.test(json)) return typed(shape, json)
  }
  throw new Error(`no ${shape}`)
}
