import type { Value } from '../../../core/value.ts'

/**
 * JSON text of a value that keeps its type: strings, booleans, null and lists are themselves, everything else is an
 * object whose one key is the type: `{"int32":5}`, `{"int64":"9007199254740993"}`, `{"bytes":"<base64>"}`,
 * `{"map":[[key,value],…]}`. Numbers whose text a JSON reader would round are strings.
 */
export function typedJson(value: Value, bmp = false): string {
  const inner = (v: Value) => typedJson(v, bmp)
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
    case 'timestamp':
      return `{"${value.type}":${numberText(value.value)}}`
    case 'int64':
    case 'uint64':
    case 'float32':
    case 'float64':
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
 * JSON text of a value as people write it, for bodies that are maps or lists; it does not keep the types. 64-bit
 * integers have all their digits, bytes are base64, timestamps ISO 8601 text, NaN and the infinities strings.
 */
export function plainJson(value: Value): string {
  switch (value.type) {
    case 'null':
      return 'null'
    case 'list':
      return `[${value.value.map(plainJson).join(',')}]`
    case 'map':
      return `{${value.value.map(([k, v]) => `${quote(keyText(k))}:${plainJson(v)}`).join(',')}}`
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
      return Number.isFinite(value.value) ? numberText(value.value) : `"${value.value}"`
    case 'timestamp':
      return isDate(value.value) ? `"${new Date(value.value).toISOString()}"` : numberText(value.value)
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

/** AMQP 1.0 has keys that are no strings. */
function keyText(key: Value): string {
  const json = plainJson(key)
  return json.startsWith('"') ? JSON.parse(json) : json
}

/** The range of a JavaScript date (ECMAScript, Time Values). */
const isDate = (milliseconds: number): boolean => Math.abs(milliseconds) <= 8.64e15

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

/**
 * JSON text of a string without any character that SQS refuses (and no control character, so that every protocol takes it):
 * they are escaped. `bmp` escapes what lies above U+FFFF as well, for SNS.
 */
export function quote(text: string, bmp = false): string {
  const json = JSON.stringify(text)
  return json.replace(bmp ? /[\ud800-\udfff\ufffe\uffff]/g : /[\ufffe\uffff]/g, escapeUnit)
}

const escapeUnit = (unit: string) => `\\u${unit.charCodeAt(0).toString(16)}`
