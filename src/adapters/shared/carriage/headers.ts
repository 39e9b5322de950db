import { parseTypedJson, typed } from '../../../core/json/parse-typed-json.ts'
import { numberText, typedJson } from '../../../core/json/typed-json.ts'
import type { Headers } from '../../../core/message.ts'
import type { Value } from '../../../core/value.ts'

/** Headers over protocols that do not know all their types: such a value is text, and a note beside it names the type. */

/** The value as text, and the type that restores it: none for a string that `takes` takes, `json` for what has no text of its own. */
export function headerAsText(
  value: Value,
  takes: (text: string) => boolean,
): { readonly text: string; readonly type?: string } {
  const text = textOf(value)
  if (text === undefined || !takes(text)) return { text: typedJson(value), type: 'json' }
  return value.type === 'string' ? { text } : { text, type: value.type }
}

function textOf(value: Value): string | undefined {
  switch (value.type) {
    case 'null':
    case 'list':
    case 'map':
      return undefined
    case 'bool':
      return String(value.value)
    case 'string':
    case 'symbol':
    case 'char':
    case 'uuid':
    case 'decimal':
      return value.value
    case 'bytes':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      return Buffer.from(value.value).toString('base64')
    default:
      return numberText(value.value)
  }
}

/** Gives headers the types that the note names; what does not fit its type any more stays as it is. */
export function restoredHeaders(
  headers: Headers,
  types: Readonly<Record<string, string>> | undefined,
): Headers {
  if (types === undefined) return headers
  const restored = Object.entries(headers).map(([name, value]): [string, Value] => {
    const type = Object.hasOwn(types, name) ? types[name] : undefined
    return [name, type === undefined ? value : restoredHeader(type, value)]
  })
  return Object.fromEntries(restored)
}

/** From its text, or from a number of another width. */
function restoredHeader(type: string, value: Value): Value {
  const written = value.type === 'string' || /^u?int/.test(value.type) ? textOf(value)! : undefined
  if (written === undefined) return value
  try {
    if (type === 'json') return parseTypedJson(written)
    if (type === 'bool' && /^(true|false)$/.test(written)) return { type, value: written === 'true' }
    return typed(type, written)
  } catch {
    return value
  }
}
