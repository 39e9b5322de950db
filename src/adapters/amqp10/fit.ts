import type { Body } from '../../core/message.ts'
import { valueOfBody } from '../../core/structured-body.ts'
import type { Entry, Value } from '../../core/value.ts'
import { bodyAsText } from '../shared/carriage/body.ts'
import { headerAsText } from '../shared/carriage/headers.ts'
import { largestLong, widened } from '../shared/carriage/jms.ts'
import type { BodyNote } from '../shared/carriage/properties.ts'
import type { Sends } from './sends.ts'
import { isWritable } from './writable.ts'

/**
 * What AMQP 1.0, or the broker behind it, has no type for is written as something that it has, and a note names the type.
 *
 * ActiveMQ Classic with `transport.transformer=jms` gives every header the type that JMS has for it (an unsigned integer
 * the next larger one, a uint64 beyond 2^63 a negative number, bytes their escaped text, a character beyond U+FFFF nothing).
 * A uuid or a timestamp, or a value in a map or stream that JMS does not have, makes it keep the whole message as opaque
 * bytes (seen with 6.3.1). Artemis does the same for a JMS client that reads, and closes the client's consumer at what it
 * cannot turn (seen with 2.40).
 */
export function fitHeader(value: Value, { jms }: Sends): { readonly value: Value; readonly type?: string } {
  if (isSimple(value)) {
    if (jms === 'never' || isJms(value) || (jms === 'when it is read' && isTurnedWell(value)))
      return { value }
    const wider = widened(value)
    if (wider) return { value: wider, type: value.type }
  }
  const { text, type } = headerAsText(value, t => t.isWellFormed())
  return { value: { type: 'string', value: text }, ...(type !== undefined && { type }) }
}

/** What Artemis turns into the same value of another type, and shows to AMQP clients as it is. */
function isTurnedWell(value: Value): boolean {
  if (value.type === 'uint64') return value.value <= largestLong
  return ['uint8', 'uint16', 'uint32', 'symbol', 'bytes', 'null'].includes(value.type)
}

/** Application properties may have simple types only (specification section 3.2.5). */
const isSimple = (value: Value): boolean => value.type !== 'list' && value.type !== 'map' && isWritable(value)

export function fitBody(body: Body, sends: Sends): { readonly body: Body; readonly note: BodyNote } {
  if (takesBody(body, sends)) return { body, note: {} }
  const { text, note } = bodyAsText(body, t => t.isWellFormed())
  return { body: { kind: 'text', text }, note: { body: body.kind, ...note } }
}

function takesBody(body: Body, { takesValues, jms }: Sends): boolean {
  switch (body.kind) {
    case 'text':
      return body.text.isWellFormed()
    case 'list':
      return takesValues && isWritable(valueOfBody(body)) && (jms === 'never' || body.items.every(isJms))
    case 'map': {
      const map = valueOfBody(body)
      return (
        takesValues &&
        isWritable(map) &&
        (jms === 'never' || isJmsMap(body.entries, jms === 'when it comes' ? isJmsEntry : isJmsItem))
      )
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

/** The same of a value in a MapMessage. The order of the keys is not kept. */
const isJmsItem = (value: Value): boolean => value.type === 'bytes' || value.type === 'null' || isJms(value)

/** ActiveMQ has lists and maps there as well. Bytes in them make it close the connection (seen with 6.3.1). */
const isJmsEntry = (value: Value): boolean => value.type === 'bytes' || isJmsNested(value)

function isJmsNested(value: Value): boolean {
  if (value.type === 'list') return value.value.every(isJmsNested)
  return value.type === 'map' ? isJmsMap(value.value, isJmsNested) : isJms(value)
}

const isJmsMap = (entries: readonly Entry[], isItem: (value: Value) => boolean): boolean =>
  new Set(entries.map(([key]) => key.type === 'string' && key.value)).size === entries.length &&
  entries.every(([key, item]) => isJmsKey(key) && isItem(item))

/** ActiveMQ damages others on their way back (seen with 6.3.1). */
const isJmsKey = (key: Value): boolean =>
  key.type === 'string' && !key.value.includes('\0') && !/[\ud800-\udfff]/.test(key.value)
