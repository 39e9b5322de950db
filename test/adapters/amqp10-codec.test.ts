import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Typed } from 'rhea'
import { decode, malformedNote } from '../../src/adapters/amqp10/codec.ts'
import type { Value } from '../../src/core/value.ts'
import { Reader, types, Writer } from './amqp10-client.ts'

const now = 1_000_000

const sections = {
  header: 0x70,
  annotations: 0x72,
  properties: 0x73,
  headers: 0x74,
  data: 0x75,
  list: 0x76,
  value: 0x77,
}

function section(name: keyof typeof sections, content: Typed, symbolic?: string): Buffer {
  const writer = new Writer()
  const descriptor = symbolic ? types.wrap_symbol(symbolic) : types.wrap_ulong(sections[name])
  writer.write(types.described(descriptor, content))
  return Buffer.from(writer.toBuffer())
}

const decoded = (...parts: Buffer[]) => decode(Buffer.concat(parts), 'q', now)
const header = (value: Typed): Value | undefined =>
  decoded(section('headers', types.wrap_map({ h: value }))).message.headers.h
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const asTyped = (bytes: Buffer): Typed => new Reader(bytes).read() as Typed

/** Every encoding of specification section 1.6, as it stands on the wire. */
const encodings: readonly (readonly [wire: string, value: Value])[] = [
  ['40', { type: 'null' }],
  ['41', { type: 'bool', value: true }],
  ['42', { type: 'bool', value: false }],
  ['56 01', { type: 'bool', value: true }],
  ['50 ff', { type: 'uint8', value: 255 }],
  ['60 ffff', { type: 'uint16', value: 65_535 }],
  ['70 ffffffff', { type: 'uint32', value: 4_294_967_295 }],
  ['52 07', { type: 'uint32', value: 7 }],
  ['43', { type: 'uint32', value: 0 }],
  ['80 ffffffffffffffff', { type: 'uint64', value: 2n ** 64n - 1n }],
  ['53 09', { type: 'uint64', value: 9n }],
  ['44', { type: 'uint64', value: 0n }],
  ['51 80', { type: 'int8', value: -128 }],
  ['61 8000', { type: 'int16', value: -32_768 }],
  ['71 80000000', { type: 'int32', value: -2_147_483_648 }],
  ['54 ff', { type: 'int32', value: -1 }],
  ['81 7fffffffffffffff', { type: 'int64', value: 2n ** 63n - 1n }],
  ['55 ff', { type: 'int64', value: -1n }],
  ['72 3fc00000', { type: 'float32', value: 1.5 }],
  ['82 3ff8000000000000', { type: 'float64', value: 1.5 }],
  ['74 22500001', { type: 'decimal32', value: hex('22500001') }],
  ['84 2238000000000001', { type: 'decimal64', value: hex('2238000000000001') }],
  [
    '94 22080000000000000000000000000001',
    { type: 'decimal128', value: hex('22080000000000000000000000000001') },
  ],
  ['73 0001f600', { type: 'char', value: '😀' }],
  ['83 0000018bcfe56800', { type: 'timestamp', value: 1_700_000_000_000 }],
  ['83 ffffffffffffffff', { type: 'timestamp', value: -1 }],
  ['98 f81d4fae7dec11d0a76500a0c91e6bf6', { type: 'uuid', value: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6' }],
  ['a0 02 00ff', { type: 'bytes', value: hex('00ff') }],
  ['b0 00000002 00ff', { type: 'bytes', value: hex('00ff') }],
  ['a1 03 c3a978', { type: 'string', value: 'éx' }],
  ['b1 00000000', { type: 'string', value: '' }],
  ['a1 03 efbfbd', { type: 'string', value: '\ufffd' }],
  ['a1 02 c328', { type: 'bytes', value: hex('c328') }],
  // Java's modified UTF-8, as ActiveMQ hands on what JMS clients wrote; not what merely looks like it.
  ['a1 09 c080 eda0bdedb880 41', { type: 'string', value: '\0😀A' }],
  ['a1 05 e282ac c080', { type: 'string', value: '€\0' }],
  ['a1 03 eda0bd', { type: 'bytes', value: hex('eda0bd') }],
  ['a1 02 c1bf', { type: 'bytes', value: hex('c1bf') }],
  ['a1 03 e08080', { type: 'bytes', value: hex('e08080') }],
  ['a1 06 f09f9880 c080', { type: 'bytes', value: hex('f09f9880c080') }],
  ['a1 02 c080', { type: 'string', value: '\0' }],
  ['a1 01 c0', { type: 'bytes', value: hex('c0') }],
  ['a3 02 6162', { type: 'symbol', value: 'ab' }],
  ['b3 00000002 6162', { type: 'symbol', value: 'ab' }],
  ['45', { type: 'list', value: [] }],
  [
    'c0 03 02 41 42',
    {
      type: 'list',
      value: [
        { type: 'bool', value: true },
        { type: 'bool', value: false },
      ],
    },
  ],
  ['d0 00000005 00000001 40', { type: 'list', value: [{ type: 'null' }] }],
  [
    'c1 04 02 54 05 41',
    {
      type: 'map',
      value: [
        [
          { type: 'int32', value: 5 },
          { type: 'bool', value: true },
        ],
      ],
    },
  ],
  [
    'e0 04 02 50 01 02',
    {
      type: 'list',
      value: [
        { type: 'uint8', value: 1 },
        { type: 'uint8', value: 2 },
      ],
    },
  ],
  ['f0 00000006 00000001 50 09', { type: 'list', value: [{ type: 'uint8', value: 9 }] }],
  ['00 a3 01 78 54 05', { type: 'int32', value: 5 }],
  ['00 53 07 00 a3 01 79 41', { type: 'bool', value: true }],
]

const plain = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? Buffer.from(value)
    : Array.isArray(value)
      ? value.map(plain)
      : value !== null && typeof value === 'object'
        ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
        : value

/** An application-properties section with one pair, built byte by byte. */
function wireHeaders(wire: string): Buffer {
  const pair = Buffer.concat([hex('a1 01 68'), hex(wire)])
  const head = Buffer.alloc(12, hex('00 53 74 d1 00000000 00000002'))
  head.writeUInt32BE(pair.length + 4, 4)
  return Buffer.concat([head, pair])
}

describe('amqp10 codec', () => {
  for (const [wire, value] of encodings) {
    test(`reads ${wire} as ${value.type}`, () => {
      assert.deepEqual(plain(decoded(wireHeaders(wire)).message.headers.h), plain(value))
    })
  }

  test('reads a header named __proto__ as a header', () => {
    const { headers } = decoded(
      section(
        'headers',
        asTyped(hex('c1 10 02 a1 09 5f5f70726f746f5f5f a1 01 78'.replace('c1 10', 'c1 0f'))),
      ),
    ).message
    assert.deepEqual(Object.getOwnPropertyNames(headers), ['__proto__'])
  })

  test('reads every field of header and properties', () => {
    const id = types.wrap_uuid(Buffer.alloc(16, 1))
    const all = decoded(
      section(
        'header',
        types.wrap_list([true, types.wrap_ubyte(7), types.wrap_uint(5_000), false, types.wrap_uint(3)]),
      ),
      section(
        'properties',
        types.wrap_list([
          id,
          Buffer.from('me'),
          'topic://t',
          'subject',
          'queue://r',
          types.wrap_ulong(5),
          types.wrap_symbol('text/plain'),
          types.wrap_symbol('gzip'),
          null,
          types.wrap_timestamp(12),
          'group',
          types.wrap_uint(9),
          'reply group',
        ]),
      ),
      section('data', types.wrap_binary(Buffer.from('x'))),
    )
    assert.equal(all.deliveryCount, 3)
    assert.equal(all.to, 'topic://t')
    assert.deepEqual(plain(all.message.properties), {
      durable: true,
      priority: 7,
      messageId: { type: 'uuid', value: '01010101-0101-0101-0101-010101010101' },
      userId: { type: 'bytes', value: Buffer.from('me') },
      correlationId: { type: 'uint64', value: 5n },
      subject: 'subject',
      replyTo: 'queue://r',
      contentType: 'text/plain',
      contentEncoding: 'gzip',
      createdAt: 12,
      groupId: 'group',
      groupSequence: 9,
      expiresAt: now + 5_000,
    })
  })

  test('takes the absolute expiry before the time to live', () => {
    const { properties } = decoded(
      section('header', types.wrap_list([null, null, types.wrap_uint(5)])),
      section(
        'properties',
        types.wrap_list([null, null, null, null, null, null, null, null, types.wrap_timestamp(77)]),
      ),
    ).message
    assert.deepEqual(properties, { expiresAt: 77 })
  })

  test('reads each kind of body', () => {
    const body = (...parts: Buffer[]) => plain(decoded(...parts).message.body)
    const bytes = (text: string) => types.wrap_binary(Buffer.from(text))
    assert.deepEqual(body(), { kind: 'none' })
    assert.deepEqual(body(section('value', types.wrap(null))), { kind: 'none' })
    assert.deepEqual(body(section('value', types.wrap_string('é'))), { kind: 'text', text: 'é' })
    assert.deepEqual(body(section('value', bytes('a'))), { kind: 'bytes', bytes: Buffer.from('a') })
    assert.deepEqual(body(section('data', bytes('a')), section('data', bytes('b'))), {
      kind: 'bytes',
      bytes: Buffer.from('ab'),
    })
    const one = { type: 'int32', value: -1 }
    assert.deepEqual(body(section('value', types.wrap_list([-1]))), { kind: 'list', items: [one] })
    assert.deepEqual(body(section('list', types.wrap_list([-1])), section('list', types.wrap_list([-1]))), {
      kind: 'list',
      items: [one, one],
    })
    assert.deepEqual(body(section('value', types.wrap_map({ k: -1 }))), {
      kind: 'map',
      entries: [[{ type: 'string', value: 'k' }, one]],
    })
    assert.deepEqual(body(section('value', types.wrap_int(-1))), { kind: 'list', items: [one] })
  })

  test('knows a Java object by its content type, and object and text by the JMS annotation', () => {
    const data = section('data', types.wrap_binary(Buffer.from('é')))
    const contentType = [
      null,
      null,
      null,
      null,
      null,
      null,
      types.wrap_symbol('application/x-java-serialized-object'),
    ]
    const jms = (type: number) =>
      section('annotations', types.wrap_symbolic_map({ 'x-opt-jms-msg-type': types.wrap_byte(type) }))
    assert.equal(
      decoded(section('properties', types.wrap_list(contentType)), data).message.body.kind,
      'object',
    )
    assert.equal(decoded(jms(1), data).message.body.kind, 'object')
    assert.deepEqual(decoded(jms(5), data).message.body, { kind: 'text', text: 'é' })
    assert.equal(decoded(jms(3), data).message.body.kind, 'bytes')
  })

  test('tells what Artemis notes of a message from an OpenWire client from what its application wrote', () => {
    const notes = {
      __HDR_MESSAGE_ID: 'ID:client:1',
      __HDR_ARRIVAL: types.wrap_long(0),
      __AMQ_CID: 'ID:client',
      JMSXDeliveryCount: types.wrap(null),
    }
    const of = (headers: object) =>
      decoded(section('headers', types.wrap_map({ ...headers, JMSXUserID: 'u', __mine: 'x' }))).message
    const { headers, properties, annotations } = of(notes)
    assert.deepEqual(Object.keys(headers), ['JMSXUserID', '__mine'])
    assert.deepEqual(properties.messageId, { type: 'string', value: 'ID:client:1' })
    assert.deepEqual(Object.keys(annotations!), Object.keys(notes))
    const other = of({ __AMQ_CID: 'ID:client' })
    assert.deepEqual(Object.keys(other.headers), ['__AMQ_CID', 'JMSXUserID', '__mine'])
    assert.equal(other.properties.messageId, undefined)
  })

  test('reads sections whose descriptor is a symbol', () => {
    const { body } = decoded(section('value', types.wrap_string('x'), 'amqp:amqp-value:*')).message
    assert.deepEqual(body, { kind: 'text', text: 'x' })
  })

  test('keeps what it could read of a malformed message, and the rest as bytes', () => {
    const good = section('headers', types.wrap_map({ h: 'x' }))
    const bad = hex('00 53 75 b0 7fffffff 61')
    const { message } = decoded(good, bad)
    assert.deepEqual(message.headers, { h: { type: 'string', value: 'x' } })
    assert.deepEqual(plain(message.body), { kind: 'bytes', bytes: bad })
    assert.match(
      String((message.annotations![malformedNote] as { value: string }).value),
      /beyond the message/,
    )
  })

  test('never throws, whatever the bytes are, and keeps all that it could not read', () => {
    const good = section('headers', types.wrap_map({ h: 'x', n: 5 }))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(20), (noise, at) => {
        const bytes = Buffer.concat([good.subarray(0, at), noise])
        const { body, annotations } = decode(bytes, 'q', now).message
        assert.ok(body)
        if (annotations?.[malformedNote] && body.kind === 'bytes')
          assert.ok(bytes.includes(body.bytes as Buffer))
      }),
      { numRuns: 2_000 },
    )
  })

  test('does not build what a few bytes only announce', { timeout: 60_000 }, () => {
    const start = performance.now()
    for (const wire of [
      'f0 00000005 ffffffff 40',
      'd0 00000004 ffffffff',
      'b0 ffffffff',
      'd1 ffffffff 00000002',
    ]) {
      assert.ok(decoded(wireHeaders(wire)).message.annotations?.[malformedNote], wire)
    }
    assert.ok(performance.now() - start < 1_000)
  })

  test('reads a typed header that the library would lose', () => {
    assert.deepEqual(header(types.wrap_long(5)), { type: 'int64', value: 5n })
    assert.deepEqual(header(types.wrap_float(5)), { type: 'float32', value: 5 })
  })
})
