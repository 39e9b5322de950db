import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode } from '../../src/adapters/amqp091/codec.ts'
import { fields, TableReader } from '../../src/adapters/amqp091/table.ts'
import type { Value } from '../../src/core/value.ts'

const hex = (bytes: string): Buffer => Buffer.from(bytes.replaceAll(' ', ''), 'hex')
const short = (text: string): Buffer => Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)])
const long = (block: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(block.length)
  return Buffer.concat([length, block])
}
const flagged = (flags: number, ...parts: Buffer[]): Buffer =>
  Buffer.concat([Buffer.of(flags >> 8, flags & 0xff), ...parts])
const wire = (raw: Buffer, redelivered = false) => ({
  exchange: 'ex',
  routingKey: 'key',
  redelivered,
  raw,
  content: Buffer.from('body'),
})
const withHeaders = (table: Buffer, redelivered = false) =>
  decode('q', wire(flagged(0x2000, long(table)), redelivered))

describe('field table values', () => {
  const cases: [letter: string, bytes: string, value: Value][] = [
    ['t', '01', { type: 'bool', value: true }],
    ['b', '80', { type: 'int8', value: -128 }],
    ['B', 'ff', { type: 'uint8', value: 255 }],
    ['s', '8000', { type: 'int16', value: -32768 }],
    ['U', 'fffe', { type: 'int16', value: -2 }],
    ['u', 'ffff', { type: 'uint16', value: 65535 }],
    ['I', '80000000', { type: 'int32', value: -(2 ** 31) }],
    ['i', 'ffffffff', { type: 'uint32', value: 2 ** 32 - 1 }],
    ['l', '0020000000000001', { type: 'int64', value: 2n ** 53n + 1n }],
    ['l', 'ffffffffffffffff', { type: 'int64', value: -1n }],
    ['L', '8000000000000000', { type: 'int64', value: -(2n ** 63n) }],
    ['f', '40a00000', { type: 'float32', value: 5 }],
    ['d', '4014000000000000', { type: 'float64', value: 5 }],
    ['D', '02 000004d2', { type: 'decimal', value: '12.34' }],
    ['D', '00 000004d2', { type: 'decimal', value: '1234' }],
    ['D', '03 00000005', { type: 'decimal', value: '0.005' }],
    ['T', '0000000065a0c0d7', { type: 'timestamp', value: 0x65a0c0d7 * 1000 }],
    ['T', 'ffffffffffffffff', { type: 'uint64', value: 2n ** 64n - 1n }],
    ['S', '00000004 f09f9880', { type: 'string', value: '😀' }],
    ['S', '00000003 efbfbd', { type: 'string', value: '\ufffd' }],
    ['S', '00000002 c328', { type: 'bytes', value: Uint8Array.of(0xc3, 0x28) }],
    ['S', '00000000', { type: 'string', value: '' }],
    ['x', '00000002 00ff', { type: 'bytes', value: Uint8Array.of(0, 255) }],
    ['V', '', { type: 'null' }],
    ['A', '00000000', { type: 'list', value: [] }],
  ]
  for (const [letter, bytes, value] of cases) {
    test(`${letter} ${bytes} is ${value.type}`, () => {
      const reader = new TableReader(Buffer.concat([Buffer.from(letter), hex(bytes)]))
      assert.deepEqual(reader.value(), value)
      assert.ok(reader.atEnd)
    })
  }

  test('arrays and tables nest and keep their order and types', () => {
    const inner = Buffer.concat([short('k'), Buffer.from('b'), hex('05'), short('k'), Buffer.from('V')])
    const list = Buffer.concat([Buffer.from('F'), long(inner), Buffer.from('I'), hex('00000005')])
    const [field] = fields(Buffer.concat([short('é'), Buffer.from('A'), long(list)]))
    const k: Value = { type: 'string', value: 'k' }
    const map: Value = {
      type: 'map',
      value: [
        [k, { type: 'int8', value: 5 }],
        [k, { type: 'null' }],
      ],
    }
    assert.deepEqual(field, ['é', { type: 'list', value: [map, { type: 'int32', value: 5 }] }])
  })

  test('an unknown letter and an end in the middle throw', () => {
    assert.throws(() => new TableReader(Buffer.from('?')).value(), TypeError)
    const nested = (levels: number): Buffer => {
      let value = Buffer.from('V')
      for (; levels > 0; levels--) {
        const length = Buffer.alloc(4)
        length.writeUInt32BE(value.length)
        value = Buffer.concat([Buffer.from('A'), length, value])
      }
      return value
    }
    assert.equal(new TableReader(nested(60)).value().type, 'list')
    assert.throws(() => new TableReader(nested(3_000)).value(), RangeError)
    assert.throws(() => new TableReader(hex('53 00000005 61')).value(), RangeError)
    assert.throws(() => new TableReader(hex('49 0000')).value(), RangeError)
  })
})

describe('message properties', () => {
  test('every property has its place', () => {
    const raw = flagged(
      0xfffc,
      short('text/plain'),
      short('gzip'),
      long(Buffer.alloc(0)),
      Buffer.of(2),
      Buffer.of(7),
      short('corr'),
      short('reply'),
      short('60000'),
      short('id-1'),
      hex('0000000065a0c0d7'),
      short('ORDER'),
      short('guest'),
      short('app'),
      short('cluster'),
    )
    const before = Date.now()
    const { message } = decode('ORDERS', wire(raw))
    const { expiresAt, ...others } = message.properties
    assert.deepEqual(others, {
      contentType: 'text/plain',
      contentEncoding: 'gzip',
      durable: true,
      priority: 7,
      correlationId: { type: 'string', value: 'corr' },
      replyTo: 'reply',
      messageId: { type: 'string', value: 'id-1' },
      createdAt: 0x65a0c0d7 * 1000,
      subject: 'ORDER',
      userId: { type: 'string', value: 'guest' },
      appId: 'app',
    })
    assert.ok(expiresAt! >= before + 60_000 && expiresAt! <= Date.now() + 60_000)
    assert.equal(message.address, 'ORDERS')
    assert.deepEqual(message.body, { kind: 'bytes', bytes: Buffer.from('body') })
    assert.deepEqual(message.headers, {})
    assert.deepEqual(message.annotations, {
      exchange: { type: 'string', value: 'ex' },
      routing_key: { type: 'string', value: 'key' },
      redelivered: { type: 'bool', value: false },
      cluster_id: { type: 'string', value: 'cluster' },
    })
  })

  test('what was not sent is absent', () => {
    assert.deepEqual(decode('q', wire(flagged(0))).message.properties, {})
    assert.deepEqual(decode('q', wire(flagged(0x1000, Buffer.of(1)))).message.properties, { durable: false })
  })

  test('a priority above 9 is 9, and the annotation says what it was', () => {
    const { message } = decode('q', wire(flagged(0x0800, Buffer.of(200))))
    assert.equal(message.properties.priority, 9)
    assert.deepEqual(message.annotations?.priority, { type: 'uint8', value: 200 })
  })

  test("only the broker's own x- headers are annotations", () => {
    const table = ['x-death', 'x-first-death-queue', 'x-delivery-count', 'x-request-id', 'plain', '__proto__']
    const field = (name: string) => Buffer.concat([short(name), Buffer.from('b'), hex('01')])
    const { message } = withHeaders(Buffer.concat(table.map(field)))
    assert.deepEqual(Object.keys(message.headers), ['x-request-id', 'plain', '__proto__'])
    assert.deepEqual(Object.keys(message.annotations!).slice(3), table.slice(0, 3))
  })

  test('the delivery count is the quorum queue’s, 0 at first, and unknown where the broker does not count', () => {
    const count = Buffer.concat([short('x-delivery-count'), Buffer.from('l'), hex('0000000000000003')])
    assert.equal(withHeaders(count, true).deliveryCount, 3)
    assert.equal(withHeaders(count, false).deliveryCount, 0)
    assert.equal('deliveryCount' in withHeaders(Buffer.alloc(0), true), false)
  })

  test('what cannot be read is kept as bytes, and the message still arrives', () => {
    const table = Buffer.concat([short('a'), Buffer.from('b'), hex('01'), short('odd'), Buffer.from('?xyz')])
    const { message } = decode('q', wire(flagged(0x2000 | 0x1000, long(table), Buffer.of(2))))
    assert.deepEqual(message.annotations?.undecoded_headers, {
      type: 'bytes',
      value: Uint8Array.from(table),
    })
    assert.equal(message.properties.durable, true)
    const cut = decode('q', wire(flagged(0x8000, Buffer.of(9, 65)))).message
    assert.equal(cut.annotations?.undecoded_properties?.type, 'bytes')
    assert.deepEqual(cut.body, { kind: 'bytes', bytes: Buffer.from('body') })
  })
})
