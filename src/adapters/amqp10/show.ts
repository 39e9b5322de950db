import type { Endpoint, Limits, Shown, ShownField } from '../../core/adapter.ts'
import type { Value, ValueType } from '../../core/value.ts'
import { shownBody, shownText } from '../shared/shown.ts'
import { type AmqpPrepared, remaining } from './encode.ts'
import { isKnown } from './lease.ts'
import type { ConnectionOptions, SinkOptions } from './options.ts'
import { Reader } from './reader.ts'
import { largest } from './sink.ts'

export const usualLimits = (): Limits => ({ maxMessageSize: largest })

/** Types by the names of the specification (part 1, section 1.6). */
const typeNames: Partial<Record<ValueType, string>> = {
  bool: 'boolean',
  int8: 'byte',
  int16: 'short',
  int32: 'int',
  int64: 'long',
  uint8: 'ubyte',
  uint16: 'ushort',
  uint32: 'uint',
  uint64: 'ulong',
  float32: 'float',
  float64: 'double',
  bytes: 'binary',
}

const typeName = (type: ValueType): string => typeNames[type] ?? type

/** Fields of the two sections that are lists (part 3, sections 3.2.1 and 3.2.4). */
const headerFields = ['durable', 'priority', 'ttl', 'first-acquirer', 'delivery-count']
const propertyFields = [
  'message-id',
  'user-id',
  'to',
  'subject',
  'reply-to',
  'correlation-id',
  'content-type',
  'content-encoding',
  'absolute-expiry-time',
  'creation-time',
  'group-id',
  'group-sequence',
  'reply-to-group-id',
]

const unknown =
  'as for a broker that nobody has asked its name: ActiveMQ and RabbitMQ have other addresses, and types that they do not take'

/** The sections decoded from their bytes; the time to live is what is left of it now. */
export function show(
  at: Endpoint<ConnectionOptions, SinkOptions>,
  { bytes, place, ttl }: AmqpPrepared,
): Shown {
  const sent = Buffer.from(bytes)
  if (ttl) sent.writeUInt32BE(remaining(ttl.expiresAt), ttl.at)
  const reader = new Reader(sent)
  const fields: ShownField[] = []
  let body: Shown['body'] = ''
  while (reader.more) {
    const section = Number(reader.descriptor())
    const value = reader.value()
    if (section === 0x70) fields.push(...listed('header', headerFields, value))
    else if (section === 0x72) fields.push(...mapped('message-annotations', value))
    else if (section === 0x73) fields.push(...listed('properties', propertyFields, value))
    else if (section === 0x74) fields.push(...mapped('application-properties', value))
    else body = readBody(section, value, fields)
  }
  return { address: place.address, body, fields, ...(isKnown(at.connection) ? {} : { notes: [unknown] }) }
}

const field = (section: string, name: string, value: Value): ShownField => ({
  section,
  name,
  type: typeName(value.type),
  value: shownText(value),
})

const listed = (section: string, names: readonly string[], list: Value): readonly ShownField[] =>
  (list.type === 'list' ? list.value : []).flatMap((value, i) =>
    value.type === 'null' ? [] : [field(section, names[i] ?? String(i), value)],
  )

const mapped = (section: string, map: Value): readonly ShownField[] =>
  (map.type === 'map' ? map.value : []).map(([key, value]) => field(section, shownText(key), value))

/** The section says what kind of body it is: `data`, or `amqp-value` with a type. */
function readBody(section: number, value: Value, fields: ShownField[]): Shown['body'] {
  const kind = section === 0x75 ? 'data' : 'amqp-value'
  fields.push({ name: 'body-section', value: kind === 'data' ? kind : `${kind} ${typeName(value.type)}` })
  if (value.type === 'bytes') return value.value
  if (value.type === 'null') return ''
  if (value.type !== 'map' && value.type !== 'list') return shownText(value)
  const shown = shownBody(value, typeName)
  fields.push(...shown.fields)
  return shown.body
}
