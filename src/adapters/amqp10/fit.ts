import type { Body } from '../../core/message.ts'
import type { Value } from '../../core/value.ts'
import { bodyAsText } from '../shared/carriage/body.ts'
import { headerAsText } from '../shared/carriage/headers.ts'
import type { BodyNote } from '../shared/carriage/properties.ts'
import type { Sends } from './sends.ts'
import { isWritable } from './writable.ts'

/**
 * What AMQP 1.0, or the broker behind it, has no type for is written as something that it has, and a note names the type.
 *
 * ActiveMQ Classic with `transport.transformer=jms` gives every header the type that JMS has for it (an unsigned integer
 * the next larger one, a uint64 beyond 2^63 a negative number, bytes their escaped text, a character beyond U+FFFF nothing).
 * A uuid or a timestamp, or a value in a map or stream that JMS does not have, makes it keep the whole message as opaque
 * bytes (seen with 6.3.1).
 */
export function fitHeader(value: Value, sends: Sends): { readonly value: Value; readonly type?: string } {
  if (isSimple(value)) {
    if (!sends.isJms || isJms(value)) return { value }
    const wider = widened(value)
    if (wider) return { value: wider, type: value.type }
  }
  const { text, type } = headerAsText(value, t => t.isWellFormed())
  return { value: { type: 'string', value: text }, ...(type !== undefined && { type }) }
}

/** Application properties may have simple types only (specification section 3.2.5). */
const isSimple = (value: Value): boolean => value.type !== 'list' && value.type !== 'map' && isWritable(value)

export function fitBody(body: Body, sends: Sends): { readonly body: Body; readonly note: BodyNote } {
  if (takesBody(body, sends)) return { body, note: {} }
  const { text, note } = bodyAsText(body, t => t.isWellFormed())
  return { body: { kind: 'text', text }, note: { body: body.kind, ...note } }
}

function takesBody(body: Body, { takesValues, isJms: jms }: Sends): boolean {
  switch (body.kind) {
    case 'text':
      return body.text.isWellFormed()
    case 'list':
      return (
        takesValues && isWritable({ type: 'list', value: body.items }) && (!jms || body.items.every(isJms))
      )
    case 'map': {
      const map: Value = { type: 'map', value: body.entries }
      return takesValues && isWritable(map) && (!jms || isJmsEntry(map))
    }
    default:
      return true
  }
}

/** Can a JMS property, or an item of a StreamMessage, be this value? */
function isJms(value: Value): boolean {
  switch (value.type) {
    case 'null':
    case 'bool':
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
    case 'float32':
    case 'float64':
    case 'string':
      return true
    case 'char':
      return value.value.length === 1
    default:
      return false
  }
}

/** The same of a value in a MapMessage; ActiveMQ has lists and maps there as well. The order of the keys is not kept. */
function isJmsEntry(value: Value): boolean {
  if (value.type === 'list') return value.value.every(isJmsEntry)
  if (value.type === 'map') {
    const keys = new Set(value.value.map(([key]) => key.type === 'string' && key.value))
    return (
      keys.size === value.value.length &&
      value.value.every(([key, item]) => isJmsKey(key) && isJmsEntry(item))
    )
  }
  return value.type === 'bytes' || value.type === 'null' || isJms(value)
}

/** ActiveMQ damages others on their way back (seen with 6.3.1). */
const isJmsKey = (key: Value): boolean =>
  key.type === 'string' && !key.value.includes('\0') && !/[\ud800-\udfff]/.test(key.value)

const largestLong = 2n ** 63n - 1n

/** The number that JMS has for it. */
function widened(value: Value): Value | undefined {
  switch (value.type) {
    case 'uint8':
      return { type: 'int16', value: value.value }
    case 'uint16':
      return { type: 'int32', value: value.value }
    case 'uint32':
    case 'timestamp':
      return { type: 'int64', value: BigInt(value.value) }
    case 'uint64':
      return value.value <= largestLong ? { type: 'int64', value: value.value } : undefined
    default:
      return undefined
  }
}
