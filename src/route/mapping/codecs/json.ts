import { MessageRefused } from '../../../core/errors.ts'
import { exactNumber } from '../../../core/json/exact-number.ts'
import { Digits, type JsonText, parseJsonText } from '../../../core/json/json-text.ts'
import { maxDepth, plainJson, quote } from '../../../core/json/typed-json.ts'
import type { Body } from '../../../core/message.ts'
import { text, type Value } from '../../../core/value.ts'
import { bodyOf, type Codec, checkCount, reading, textOf, unfit, wholeValue } from './body.ts'

/** Objects become maps, arrays lists; a text alone becomes a body of that text, another scalar text as it is written. */
export const decodeJson: Codec = body =>
  reading('JSON', () => {
    const json = textOf(body, 'JSON')
    checkCount(valuesIn(json))
    return bodyOf(valueOfJson(json), scalarBody)
  })

/** At least as many as there are. */
function valuesIn(json: string): number {
  let count = 0
  for (let i = 0; i < json.length; i++) {
    const c = json.charCodeAt(i)
    if (c === comma || c === bracket || c === brace) count++
  }
  return count
}

const [comma, bracket, brace] = [0x2c, 0x5b, 0x7b]

/** Numbers keep all their digits, keys their order, and keys that stand there twice both. Throws for a text that is no JSON. */
export const valueOfJson = (json: string): Value => valueFrom(parseJsonText(json))

function valueFrom(json: JsonText): Value {
  if (json === null) return { type: 'null' }
  if (typeof json === 'boolean') return { type: 'bool', value: json }
  if (typeof json === 'string') return text(json)
  if (json instanceof Digits) return exactNumber(json.text)
  if ('pairs' in json)
    return { type: 'map', value: json.pairs.map(([k, v]) => [text(k), valueFrom(v)] as const) }
  return { type: 'list', value: json.map(valueFrom) }
}

function scalarBody(value: Value): Body {
  if (value.type === 'null') return { kind: 'none' }
  return { kind: 'text', text: value.type === 'string' ? value.value : jsonOf(value) }
}

/** Maps and lists become objects and arrays, text a JSON string, no body `null`. */
export const encodeJson: Codec = body => {
  const value = wholeValue(body)
  if (!value) throw unfit(body, 'JSON is written from a map, a list or text')
  return { kind: 'text', text: jsonOf(value) }
}

/** JSON text of a value with all its digits: decimals are numbers as well. What JSON has no form for is as in `plainJson`. */
export function jsonOf(value: Value, depth = 0): string {
  if (depth > maxDepth) throw new MessageRefused(`the body has values nested more than ${maxDepth} deep`)
  switch (value.type) {
    case 'list':
      return `[${value.value.map(item => jsonOf(item, depth + 1)).join(',')}]`
    case 'map':
      return `{${value.value.map(([k, v]) => `${keyOf(k)}:${jsonOf(v, depth + 1)}`).join(',')}}`
    case 'decimal':
      return isNumber.test(value.value) ? value.value : quote(value.value)
    default:
      return plainJson(value)
  }
}

/** RFC 8259, 6. */
const isNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function keyOf(key: Value): string {
  const json = plainJson(key)
  return json.startsWith('"') ? json : quote(json)
}

/** A scalar as text, as it stands in a column or an element: null is empty. Undefined for lists and maps. */
export function scalarText(value: Value): string | undefined {
  if (value.type === 'string') return value.value
  if (value.type === 'null') return ''
  if (value.type === 'list' || value.type === 'map') return undefined
  const json = jsonOf(value)
  return json.startsWith('"') ? JSON.parse(json) : json
}
