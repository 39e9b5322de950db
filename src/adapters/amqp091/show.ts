import type { Endpoint, Shown, ShownField } from '../../core/adapter.ts'
import type { ValueType } from '../../core/value.ts'
import { shownText, shownTime } from '../shared/shown.ts'
import { type AmqpLimits, type AmqpPrepared, usualProperties } from './encode.ts'
import type { ConnectionOptions, SinkOptions } from './options.ts'
import { fields as fieldsOf, TableReader } from './table.ts'

/** The default of RabbitMQ 4; a link to RabbitMQ 3 knows 128 MiB. */
const usualSize = 16 * 2 ** 20

export const usualLimits = ({
  options: { max_message_size },
}: Endpoint<ConnectionOptions, SinkOptions>): AmqpLimits => ({
  maxMessageSize: max_message_size ?? usualSize,
  maxProperties: usualProperties,
})

/** Types of table fields by the grammar of the specification (4.2.1) and RabbitMQ's errata. */
const typeNames: Partial<Record<ValueType, string>> = {
  null: 'no-field',
  bool: 'boolean',
  int8: 'short-short-int',
  uint8: 'short-short-uint',
  int16: 'short-int',
  uint16: 'short-uint',
  int32: 'long-int',
  uint32: 'long-uint',
  int64: 'long-long-int',
  float32: 'float',
  float64: 'double',
  decimal: 'decimal',
  string: 'long-string',
  bytes: 'byte-array',
  timestamp: 'timestamp',
  list: 'field-array',
  map: 'field-table',
}

/** What basic.publish says, the property list decoded from its bytes, and the headers with their types. */
export function show(_at: unknown, { exchange, routingKey, properties, body }: AmqpPrepared): Shown {
  return {
    address: exchange === '' ? routingKey : `${exchange}/${routingKey}`,
    body,
    fields: [
      { name: 'exchange', value: exchange },
      { name: 'routing-key', value: routingKey },
      ...propertiesOf(new TableReader(properties)),
    ],
  }
}

/** As `propertyList` writes it (4.2.6.1): sixteen flags, highest first, then the fields whose flag is set. */
function propertiesOf(reader: TableReader): readonly ShownField[] {
  const flags = reader.uint16()
  const fields: ShownField[] = []
  const section = 'properties'
  const read = (flag: number, name: string, type: string, value: () => string) => {
    if (flags & flag) fields.push({ section, name, type, value: value() })
  }
  const text = (flag: number, name: string) => read(flag, name, 'short-string', () => reader.shortString())
  text(0x8000, 'content-type')
  text(0x4000, 'content-encoding')
  const headers = flags & 0x2000 ? headersOf(reader.block()) : []
  read(0x1000, 'delivery-mode', 'octet', () => String(reader.uint8()))
  read(0x0800, 'priority', 'octet', () => String(reader.uint8()))
  text(0x0400, 'correlation-id')
  text(0x0200, 'reply-to')
  text(0x0100, 'expiration')
  text(0x0080, 'message-id')
  read(0x0040, 'timestamp', 'timestamp', () => shownTime(Number(reader.uint64()) * 1000))
  text(0x0020, 'type')
  text(0x0010, 'user-id')
  text(0x0008, 'app-id')
  return [...fields, ...headers]
}

const headersOf = (table: Buffer): readonly ShownField[] =>
  Array.from(fieldsOf(table), ([name, value]) => ({
    section: 'headers',
    name,
    type: typeNames[value.type] ?? value.type,
    value: shownText(value),
  }))
