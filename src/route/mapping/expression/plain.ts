import { MessageRefused } from '../../../core/errors.ts'
import { exactNumber, wholeNumber } from '../../../core/json/exact-number.ts'
import { maxDepth } from '../../../core/json/typed-json.ts'
import { type Entry, nothing, text, type Value } from '../../../core/value.ts'
import { integerOf, LargeInteger } from './large-integer.ts'

/** How an expression sees values: what JSON can hold, with all digits of its integers. */
export type Plain =
  | null
  | boolean
  | number
  | string
  | LargeInteger
  | readonly Plain[]
  | { readonly [key: string]: Plain }

/** Bytes become base64, timestamps ISO 8601 where they are dates; integers keep their digits. */
export function toPlain(value: Value): Plain {
  switch (value.type) {
    case 'null':
      return null
    case 'int64':
    case 'uint64':
      return integerOf(String(value.value))
    case 'decimal':
      return longInteger.test(value.value) ? integerOf(value.value) : value.value
    case 'bytes':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      return Buffer.from(value.value).toString('base64')
    case 'timestamp':
      return isDate(value.value) ? new Date(value.value).toISOString() : value.value
    case 'list':
      return value.value.map(toPlain)
    case 'map':
      return plainMap(value.value)
    default:
      return value.value
  }
}

/** A key that stands twice can be seen and not be read: one of its values would be lost. */
function plainMap(entries: readonly Entry[]): Plain {
  const plain = Object.fromEntries(entries.map(([k, v]) => [notReserved(keyText(k)), toPlain(v)]))
  if (Object.keys(plain).length === entries.length) return plain
  const seen = new Set<string>()
  for (const key of entries.map(([k]) => keyText(k))) {
    if (seen.has(key)) {
      const get = () => {
        throw standsTwice(key)
      }
      Object.defineProperty(plain, key, { get, enumerable: true })
    }
    seen.add(key)
  }
  return plain
}

export const standsTwice = (key: string): MessageRefused =>
  new MessageRefused(
    `the key ${JSON.stringify(key)} stands twice in a map, and an expression sees one value only`,
  )

/** AMQP 1.0 has keys that are no strings. */
export const keyText = (key: Value): string => (key.type === 'string' ? key.value : String(toPlain(key)))

/** What `decode` makes of the integers of JSON that are too large for 64 bits; shorter decimals are text. */
const longInteger = /^-?[1-9]\d{15,}$/

/** The range of a JavaScript date (ECMAScript, Time Values). */
const isDate = (milliseconds: number): boolean => Math.abs(milliseconds) <= 8.64e15

/** JSONata 2.2 takes a map with `_jsonata_lambda` for a function and runs what it holds. */
function notReserved(key: string): string {
  if (key.startsWith('_jsonata_'))
    throw new MessageRefused(`it holds a map with the key ${key}, which JSONata reserves`)
  return key
}

/** Refuses what `toPlain` would not make. */
export function checkKeys(plain: Plain): void {
  if (typeof plain !== 'object' || plain === null || plain instanceof LargeInteger) return
  if (Array.isArray(plain)) for (const item of plain) checkKeys(item)
  else
    for (const [key, value] of Object.entries(plain as object)) {
      notReserved(key)
      checkKeys(value)
    }
}

/** How much one expression may give: values and characters together. */
const maxSize = 16 * 1024 * 1024

/**
 * Whole numbers become int32 where they fit, else int64; integers past 2^53 int64, uint64 or decimal, others float64.
 * Undefined stays undefined. Throws MessageRefused for what is too large or nested too deep.
 */
export function fromPlain(plain: unknown): Value | undefined {
  // The usual ones need no account of their size.
  if (typeof plain === 'number') return numberValue(plain)
  if (typeof plain === 'string' && plain.length < maxSize) return text(plain)
  return converted(plain, { left: maxSize }, 0)
}

function converted(plain: unknown, room: { left: number }, depth: number): Value | undefined {
  room.left -= typeof plain === 'string' ? plain.length : 1
  if (room.left < 0) throw new MessageRefused(`the result is larger than ${maxSize} values and characters`)
  if (depth > maxDepth) throw new MessageRefused(`the result is nested more than ${maxDepth} deep`)
  switch (typeof plain) {
    case 'undefined':
    case 'function':
      return undefined
    case 'boolean':
      return { type: 'bool', value: plain }
    case 'string':
      return text(plain)
    case 'number':
      return numberValue(plain)
  }
  if (plain === null) return nothing
  if (plain instanceof LargeInteger) return exactNumber(plain.integer)
  const inner = (item: unknown) => converted(item, room, depth + 1) ?? nothing
  if (Array.isArray(plain)) return { type: 'list', value: plain.map(inner) }
  const entries = Object.entries(plain as object).map(([k, v]) => {
    room.left -= k.length
    return [text(k), inner(v)] as const
  })
  return { type: 'map', value: entries }
}

function numberValue(plain: number): Value {
  if (!Number.isSafeInteger(plain) || Object.is(plain, -0)) return { type: 'float64', value: plain }
  return wholeNumber(plain)
}

/** A value as text, as it stands in a template beside other text. */
export function toText(value: Value): string {
  switch (value.type) {
    case 'string':
      return value.value
    case 'int64':
    case 'uint64':
    case 'int32':
      return String(value.value)
  }
  const plain = toPlain(value)
  return typeof plain === 'object' && plain !== null ? JSON.stringify(plain) : String(plain)
}
