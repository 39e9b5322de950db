import { MessageRefused } from '../errors.ts'
import type { Value } from '../value.ts'
import { escapedWhere } from './escape.ts'

/** Deeper lists and maps are neither written nor read, since that would overflow the stack; no source reads as deep. */
export const maxDepth = 80

/**
 * JSON text of a value that keeps its type: strings, booleans, null and lists are themselves, everything else is an
 * object whose one key is the type: `{"int32":5}`, `{"int64":"9007199254740993"}`, `{"bytes":"<base64>"}`,
 * `{"map":[[key,value],…]}`. Numbers whose text a JSON reader would round are strings. Throws MessageRefused for
 * what is nested more than `maxDepth` deep.
 */
export function typedJson(value: Value, bmp = false, depth = 0): string {
  checkDepth(depth)
  const inner = (v: Value) => typedJson(v, bmp, depth + 1)
  switch (value.type) {
    case 'null':
      return 'null'
    case 'bool':
      return String(value.value)
    case 'string':
      return quote(value.value, bmp)
    case 'list':
      return `[${value.value.map(inner).join(',')}]`
    case 'map':
      return `{"map":[${value.value.map(([k, v]) => `[${inner(k)},${inner(v)}]`).join(',')}]}`
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
      return `{"${value.type}":${numberText(value.value)}}`
    case 'int64':
    case 'uint64':
    case 'float32':
    case 'float64':
    case 'timestamp':
      return `{"${value.type}":"${numberText(value.value)}"}`
    case 'symbol':
    case 'char':
    case 'uuid':
    case 'decimal':
      return `{"${value.type}":${quote(value.value, bmp)}}`
    case 'bytes':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      return `{"${value.type}":"${base64(value.value)}"}`
  }
}

/**
 * JSON text of a value as people write it, for bodies that are maps or lists; it does not keep the types (shape.ts does).
 * 64-bit integers have all their digits, bytes are base64, timestamps ISO 8601 text, NaN and the infinities strings.
 * Throws MessageRefused for what is nested more than `maxDepth` deep.
 */
export function plainJson(value: Value, depth = 0): string {
  checkDepth(depth)
  switch (value.type) {
    case 'null':
      return 'null'
    case 'list':
      return `[${value.value.map(item => plainJson(item, depth + 1)).join(',')}]`
    case 'map':
      return `{${value.value.map(([k, v]) => `${quote(keyText(k, depth + 1))}:${plainJson(v, depth + 1)}`).join(',')}}`
    case 'bool':
    case 'int64':
    case 'uint64':
      return String(value.value)
    case 'float32':
    case 'float64':
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
      return jsonNumber(value.value)
    case 'timestamp':
      return isDate(value.value) ? `"${new Date(value.value).toISOString()}"` : jsonNumber(value.value)
    case 'string':
    case 'symbol':
    case 'char':
    case 'uuid':
    case 'decimal':
      return quote(value.value)
    case 'bytes':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      return `"${base64(value.value)}"`
  }
}

/** The shortest decimal text that reads back as the same number; `-0` keeps its sign. */
export const numberText = (value: number | bigint): string => (Object.is(value, -0) ? '-0' : String(value))

const jsonNumber = (value: number): string =>
  Number.isFinite(value) ? numberText(value) : `"${numberText(value)}"`

function checkDepth(depth: number): void {
  if (depth > maxDepth) throw new MessageRefused(`the message has values nested more than ${maxDepth} deep`)
}

/** AMQP 1.0 has keys that are no strings. */
function keyText(key: Value, depth: number): string {
  const json = plainJson(key, depth)
  return json.startsWith('"') ? JSON.parse(json) : json
}

/** Whole milliseconds in the range of a JavaScript date (ECMAScript, Time Values). */
const isDate = (milliseconds: number): boolean =>
  Number.isInteger(milliseconds) && Math.abs(milliseconds) <= 8.64e15 && !Object.is(milliseconds, -0)

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

/**
 * JSON text of a string in which every character that some protocol refuses is escaped: control characters, surrogates
 * that are alone, and noncharacters. `bmp` escapes what lies above U+FFFF as well, for SNS.
 */
export const quote = (text: string, bmp = false): string => escaped(JSON.stringify(text), bmp)

/** The same for the strings in JSON text that `JSON.stringify` wrote. */
export function escaped(json: string, bmp: boolean): string {
  return maybeRefused.test(json) ? escapedWhere(json, bmp ? refusedOrAboveBmp : refused) : json
}

const maybeRefused = /[\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]/
const refused = /[\x7f-\x9f\p{Noncharacter_Code_Point}]/gu
const refusedOrAboveBmp = /[\x7f-\x9f\p{Noncharacter_Code_Point}\u{10000}-\u{10ffff}]/gu
