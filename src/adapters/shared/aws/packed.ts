import { valueFromJson } from '../../../core/json/parse-typed-json.ts'
import { quote, typedJson } from '../../../core/json/typed-json.ts'
import type { Headers } from '../../../core/message.ts'
import type { Value } from '../../../core/value.ts'
import type { Restored } from '../carriage/restore.ts'
import type { Service } from './attributes.ts'
import type { Attribute } from './calls.ts'

/** The attribute with the headers that are no attributes of their own: `{"a header":"x","count":{"int32":5}}`. */
export const packedName = 'sluice_headers'

/** Each header is there by its name, as `typedJson` writes its value. */
export function packedAttribute(
  headers: Headers,
  names: readonly string[],
  { aboveBmp }: Service,
): Attribute {
  const members = names.map(name => `${quote(name, !aboveBmp)}:${typedJson(headers[name]!, !aboveBmp)}`)
  return { DataType: 'String', StringValue: `{${members.join(',')}}` }
}

/**
 * The message with the headers that were packed, whoever wrote its body. One that is there as an attribute too is what the
 * attribute says, which somebody has set since. What does not read as a packed header is a header like any other.
 */
export function unpacked(restored: Restored): Restored {
  const { message, fault } = restored
  const own = message.headers[packedName]
  const packed = own?.type === 'string' && !fault ? parsed(own.value) : undefined
  if (!packed) return restored
  const { [packedName]: _, ...headers } = message.headers
  // Attributes stay first, so that they are attributes again at the next queue.
  const others = Object.entries(packed).filter(([name]) => !Object.hasOwn(headers, name))
  return { message: { ...message, headers: { ...headers, ...Object.fromEntries(others) } } }
}

function parsed(json: string): Headers | undefined {
  try {
    const all: unknown = JSON.parse(json)
    if (typeof all !== 'object' || all === null || Array.isArray(all) || json === '{}') return undefined
    const headers = Object.entries(all).map(([name, value]): [string, Value] => [name, valueFromJson(value)])
    return Object.fromEntries(headers)
  } catch {
    return undefined
  }
}
