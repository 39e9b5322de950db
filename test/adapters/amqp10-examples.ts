import rhea, { type Message } from 'rhea'
import type { Value } from '../../src/core/value.ts'
import { type Amqp10Example, typedMap, types } from './amqp10-client.ts'

const uuid = Buffer.from('f81d4fae7dec11d0a76500a0c91e6bf6', 'hex')
const uuidText = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'

/** Every scalar type that application properties may have (specification section 3.2.5). */
const headers: readonly (readonly [title: string, wire: unknown, value: Value])[] = [
  ['an int8', types.wrap_byte(-5), { type: 'int8', value: -5 }],
  ['an int16', types.wrap_short(-500), { type: 'int16', value: -500 }],
  ['an int32', types.wrap_int(5), { type: 'int32', value: 5 }],
  ['an int64 that would fit in less', types.wrap_long(5), { type: 'int64', value: 5n }],
  [
    'an int64 beyond 2^53',
    types.wrap_long(Buffer.from('0020000000000001', 'hex') as unknown as number),
    { type: 'int64', value: 2n ** 53n + 1n },
  ],
  ['a uint8', types.wrap_ubyte(200), { type: 'uint8', value: 200 }],
  ['a uint16', types.wrap_ushort(60_000), { type: 'uint16', value: 60_000 }],
  ['a uint32', types.wrap_uint(4_000_000_000), { type: 'uint32', value: 4_000_000_000 }],
  ['a uint64', types.wrap_ulong(7), { type: 'uint64', value: 7n }],
  ['a float32', types.wrap_float(1.5), { type: 'float32', value: 1.5 }],
  ['a float64 that is a whole number', types.wrap_double(5), { type: 'float64', value: 5 }],
  ['a boolean', types.wrap_boolean(true), { type: 'bool', value: true }],
  ['a string', types.wrap_string('Grüße 😀\n'), { type: 'string', value: 'Grüße 😀\n' }],
  ['a symbol', types.wrap_symbol('sym'), { type: 'symbol', value: 'sym' }],
  ['a uuid', types.wrap_uuid(uuid as unknown as string), { type: 'uuid', value: uuidText }],
  ['a timestamp', types.wrap_timestamp(1_700_000_000_123), { type: 'timestamp', value: 1_700_000_000_123 }],
  ['bytes', types.wrap_binary(Buffer.from([0, 255])), { type: 'bytes', value: Buffer.from([0, 255]) }],
  ['a char', types.wrap_char(0x1f600 as unknown as string), { type: 'char', value: '😀' }],
  ['a null', types.wrap(null), { type: 'null' }],
]

const typed: readonly Amqp10Example[] = headers.map(([title, wire, value]) => ({
  title: `${title} as a header`,
  message: { application_properties: { h: wire }, body: 'x' },
  expected: { headers: { h: value } },
}))

const bodies: readonly Amqp10Example[] = [
  {
    title: 'a text body',
    message: { body: 'Grüße 😀' },
    expected: { body: { kind: 'text', text: 'Grüße 😀' } },
  },
  {
    title: 'a body of several data sections as one',
    message: { body: rhea.message.data_sections([Buffer.from('a'), Buffer.from('b')]) } as Message,
    expected: { body: { kind: 'bytes', bytes: Buffer.from('ab') } },
  },
  {
    title: 'a value of bytes as bytes',
    message: { body: Buffer.from([0, 255]) },
    expected: { body: { kind: 'bytes', bytes: Buffer.from([0, 255]) } },
  },
  {
    title: 'a list with its types',
    message: { body: [types.wrap_long(5), 'x', null] },
    expected: {
      body: {
        kind: 'list',
        items: [{ type: 'int64', value: 5n }, { type: 'string', value: 'x' }, { type: 'null' }],
      },
    },
  },
  {
    title: 'a map with its types',
    message: { body: { n: types.wrap_short(5) } },
    expected: {
      body: {
        kind: 'map',
        entries: [
          [
            { type: 'string', value: 'n' },
            { type: 'int16', value: 5 },
          ],
        ],
      },
    },
  },
  {
    title: 'a map whose keys are no strings',
    message: { body: typedMap(new Map([[types.wrap_int(5), 'x']])) } as Message,
    expected: {
      body: {
        kind: 'map',
        entries: [
          [
            { type: 'int32', value: 5 },
            { type: 'string', value: 'x' },
          ],
        ],
      },
    },
  },
  { title: 'no body', message: { body: null }, expected: { body: { kind: 'none' } } },
]

const properties: readonly Amqp10Example[] = [
  {
    title: 'all properties',
    message: {
      durable: true,
      priority: 7,
      message_id: 'the-id',
      subject: 'the subject',
      reply_to: 'answers',
      correlation_id: 'the-correlation',
      content_type: 'application/json',
      content_encoding: 'gzip',
      creation_time: new Date(1_700_000_000_000),
      group_id: 'the-group',
      group_sequence: 9,
      body: rhea.message.data_section(Buffer.from('{}')),
    },
    expected: {
      properties: {
        durable: true,
        priority: 7,
        messageId: { type: 'string', value: 'the-id' },
        subject: 'the subject',
        replyTo: 'answers',
        correlationId: { type: 'string', value: 'the-correlation' },
        contentType: 'application/json',
        contentEncoding: 'gzip',
        createdAt: 1_700_000_000_000,
        groupId: 'the-group',
        groupSequence: 9,
      },
    },
  },
  {
    title: 'a correlation id that is a uuid',
    message: { correlation_id: types.wrap_uuid(uuid as unknown as string) as never, body: 'x' },
    expected: { properties: { correlationId: { type: 'uuid', value: uuidText } } },
  },
  {
    title: 'a correlation id that is a number',
    message: { correlation_id: 7, body: 'x' },
    expected: { properties: { correlationId: { type: 'uint64', value: 7n } } },
  },
]

export const amqp10Examples: readonly Amqp10Example[] = [...typed, ...bodies, ...properties]
