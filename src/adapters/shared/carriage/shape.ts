import type { Entry, Value } from '../../../core/value.ts'
import { typed } from './parse-typed-json.ts'

/**
 * The types of a value that plain JSON (`plainJson`) does not show: the name of a scalar's type, those of a list's items
 * in their order, those of a map's values by key. Strings, booleans and null have none, nor has a list or map of such.
 */
export type Shape = string | readonly (Shape | null)[] | { readonly [key: string]: Shape }

/** The shape of a value; `unshapely` when plain JSON cannot hold it: keys that are no strings or stand there twice. */
export function shapeOf(value: Value): Shape | undefined | typeof unshapely {
  switch (value.type) {
    case 'null':
    case 'bool':
    case 'string':
      return undefined
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

export const unshapely = Symbol('unshapely')

function shapeOfEntries(entries: readonly Entry[]): Shape | undefined | typeof unshapely {
  const keys = new Set<string>()
  const shapes: [string, Shape][] = []
  for (const [key, value] of entries) {
    // Objects of JavaScript put keys that look like indexes first, and lose this name.
    if (key.type !== 'string' || keys.has(key.value) || /^(\d+|__proto__)$/.test(key.value)) return unshapely
    keys.add(key.value)
    const shape = shapeOf(value)
    if (shape === unshapely) return unshapely
    if (shape !== undefined) shapes.push([key.value, shape])
  }
  return shapes.length > 0 ? Object.fromEntries(shapes) : undefined
}

/** Numbers as they stand in the text, with all their digits. */
class Digits {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Inverse of `plainJson` with the shape of the value. Throws for a text that is no JSON or does not fit the shape. */
export function fromPlainJson(json: string, shape: Shape | undefined): Value {
  // The third argument is of ECMAScript's JSON.parse source text access, which the typings do not have yet.
  const reviver = (_: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' ? new Digits(context?.source ?? String(value)) : value
  return built(JSON.parse(json, reviver), shape ?? null, 0)
}

/** Deeper lists and maps are not read: all that reads them later would overflow the stack. */
const maxDepth = 64

function built(json: unknown, shape: Shape | null, depth: number): Value {
  if (depth > maxDepth) throw new RangeError(`values nested more than ${maxDepth} deep`)
  if (Array.isArray(json)) {
    if (shape !== null && !Array.isArray(shape)) throw new Error('a list where there is none')
    const items = json.map((item, i) =>
      built(item, (shape as readonly (Shape | null)[] | null)?.[i] ?? null, depth + 1),
    )
    return { type: 'list', value: items }
  }
  if (typeof json === 'object' && json !== null && !(json instanceof Digits)) {
    if (typeof shape === 'string' || Array.isArray(shape)) throw new Error('a map where there is none')
    const shapes = shape as { readonly [key: string]: Shape } | null
    const entries = Object.entries(json).map(([key, value]): Entry => {
      const inner = shapes && Object.hasOwn(shapes, key) ? shapes[key]! : null
      return [{ type: 'string', value: key }, built(value, inner, depth + 1)]
    })
    return { type: 'map', value: entries }
  }
  return scalarOf(json, shape)
}

function scalarOf(json: unknown, shape: Shape | null): Value {
  if (typeof shape === 'string') {
    const text = json instanceof Digits ? json.text : String(json)
    if (shape !== 'timestamp' || json instanceof Digits) return typed(shape, text)
    return { type: 'timestamp', value: Date.parse(text) }
  }
  if (shape !== null) throw new Error('a scalar where there is none')
  if (json === null) return { type: 'null' }
  if (typeof json === 'boolean') return { type: 'bool', value: json }
  if (typeof json === 'string') return { type: 'string', value: json }
  return typed('float64', (json as Digits).text)
}
