import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Attributes } from '../../src/adapters/shared/aws/calls.ts'
import { decode } from '../../src/adapters/sqs/codec.ts'
import { sqs } from '../../src/adapters/sqs/index.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Body, Message } from '../../src/core/message.ts'
import { text, type Value } from '../../src/core/value.ts'
import { shown } from '../matrix/show.ts'
import { anyMessage } from '../support/any-message.ts'

const url = 'https://sqs.eu-west-1.amazonaws.com/123456789012/answers'
const message = (more: Partial<Message> = {}): Message => ({
  address: 'ORDERS',
  body: { kind: 'text', text: 'hello' },
  headers: {},
  properties: {},
  ...more,
})
const send = (m: Message, options: object = {}) => {
  const parsed = sqs.sink!.options.parse({ queue: 'q', format: 'jms', ...options })
  const at = { connection: {}, connectionName: 'c', route: 'r', options: parsed }
  return sqs.sink!.prepare(at, { maxMessageSize: 1_048_576 }, m).entry
}
const attributesOf = (m: Message, options: object = {}) =>
  Object.fromEntries(
    Object.entries(send(m, options).MessageAttributes ?? {}).map(([name, { DataType, StringValue }]) => [
      name,
      `${DataType} ${StringValue}`,
    ]),
  )
const receive = (
  Body: string,
  written: Readonly<Record<string, string>>,
  Attributes = {},
  options: object = {},
) => {
  const MessageAttributes = Object.fromEntries(
    Object.entries(written).map(([name, value]) => {
      const [DataType = '', ...rest] = value.split(' ')
      return [name, { DataType, StringValue: rest.join(' ') }]
    }),
  )
  return decode(
    { MessageId: '11-22', Body, MessageAttributes, Attributes },
    sqs.source!.options.parse({ queue: 'q', format: 'jms', ...options }),
  )
}

describe('format: jms: written', () => {
  const bodies: [Body, string, string][] = [
    [{ kind: 'text', text: 'é 🦑' }, 'String text', 'é 🦑'],
    [{ kind: 'bytes', bytes: Buffer.from('text') }, 'String byte', 'dGV4dA=='],
    [{ kind: 'bytes', bytes: Buffer.of(0, 255) }, 'String byte', 'AP8='],
    [{ kind: 'object', bytes: Buffer.of(0xac, 0xed) }, 'String object', 'rO0='],
    [{ kind: 'text', text: '' }, 'String text', ' '],
    [{ kind: 'none' }, 'String text', ' '],
  ]
  for (const [body, type, written] of bodies) {
    test(`a body of ${body.kind}: ${JSON.stringify(written)}`, () => {
      assert.equal(send(message({ body })).MessageBody, written)
      assert.equal(attributesOf(message({ body })).JMS_SQSMessageType, type)
    })
  }

  for (const [body, what] of [
    [{ kind: 'map', entries: [] }, /a map as its body.*`encode: \{ format: json \}`/],
    [{ kind: 'list', items: [] }, /a list as its body.*`encode/],
    [{ kind: 'bytes', bytes: Buffer.alloc(0) }, /an empty body of bytes/],
    [{ kind: 'text', text: 'a\0' }, /characters that SQS refuses.*`encode: \{ format: base64 \}`/],
  ] as [Body, RegExp][]) {
    test(`refuses a body of ${body.kind}: ${what}`, () => {
      assert.throws(() => send(message({ body })), { name: 'MessageRefused', message: what })
    })
  }

  test("properties have the library's types, and others the nearest", () => {
    const headers: Record<string, Value> = {
      bool: { type: 'bool', value: true },
      byte: { type: 'int8', value: -1 },
      short: { type: 'int16', value: 2 },
      int: { type: 'int32', value: 3 },
      long: { type: 'int64', value: 4n },
      float: { type: 'float32', value: 1.5 },
      double: { type: 'float64', value: 1e-7 },
      string: text('x'),
    }
    assert.deepEqual(attributesOf(message({ headers })), {
      JMS_SQSMessageType: 'String text',
      bool: 'Number.Boolean 1',
      byte: 'Number.byte -1',
      short: 'Number.short 2',
      int: 'Number.int 3',
      long: 'Number.long 4',
      float: 'Number.float 1.5',
      double: 'Number.double 0.0000001',
      string: 'String x',
    })
    const others: Record<string, Value> = {
      u8: { type: 'uint8', value: 200 },
      u16: { type: 'uint16', value: 60_000 },
      u32: { type: 'uint32', value: 4_000_000_000 },
      u64: { type: 'uint64', value: 5n },
      at: { type: 'timestamp', value: 1_700_000_000_123 },
      sym: { type: 'symbol', value: 's' },
      raw: { type: 'bytes', value: Buffer.of(0, 255) },
    }
    assert.deepEqual(attributesOf(message({ headers: others })), {
      JMS_SQSMessageType: 'String text',
      u8: 'Number.short 200',
      u16: 'Number.int 60000',
      u32: 'Number.long 4000000000',
      u64: 'Number.long 5',
      at: 'Number.long 1700000000123',
      sym: 'String s',
      raw: 'String AP8=',
      sluice_properties:
        'String {"headers":{"u8":"uint8","u16":"uint16","u32":"uint32","u64":"uint64","at":"timestamp","sym":"symbol","raw":"bytes"}}',
    })
  })

  test('numbers that no long holds are text', () => {
    const headers: Record<string, Value> = {
      past: { type: 'uint64', value: 2n ** 63n },
      half: { type: 'timestamp', value: 1.5 },
    }
    assert.deepEqual(attributesOf(message({ headers })), {
      JMS_SQSMessageType: 'String text',
      past: 'String 9223372036854775808',
      half: 'String 1.5',
      sluice_properties: 'String {"headers":{"past":"uint64","half":"timestamp"}}',
    })
  })

  test('floats that SQS cannot have as a Number are text that Java reads', () => {
    const double = (value: number) => attributesOf(message({ headers: { d: { type: 'float64', value } } })).d
    assert.equal(double(5), 'Number.double 5')
    assert.equal(double(-1.5e21), 'Number.double -1500000000000000000000')
    assert.equal(double(1.25e-10), 'Number.double 0.000000000125')
    for (const value of [1e300, 5e-324, Number.NaN, Number.NEGATIVE_INFINITY, -0])
      assert.equal(double(value), `String.double ${Object.is(value, -0) ? '-0' : value}`)
  })

  test('correlation id, reply address and group are where the library has them, and the rest beside', () => {
    const properties = {
      correlationId: text('c-1'),
      replyTo: url,
      groupId: 'g',
      groupSequence: 7,
      priority: 9,
      subject: 'order',
    }
    const common = {
      JMS_SQSMessageType: 'String text',
      JMS_SQSCorrelationID: 'String c-1',
      JMS_SQSReplyToQueueName: 'String answers',
      JMS_SQSReplyToQueueURL: `String ${url}`,
      JMSXGroupSeq: 'Number.int 7',
      sluice_properties: 'String {"priority":9,"subject":"order"}',
    }
    assert.deepEqual(attributesOf(message({ properties })), { ...common, JMSXGroupID: 'String g' })
    const fifo = message({ properties: { ...properties, deduplicationId: 'd' } })
    assert.deepEqual(attributesOf(fifo, { queue: 'q.fifo' }), common)
    assert.equal(send(fifo, { queue: 'q.fifo' }).MessageGroupId, 'g')
  })

  test('the reply token and address are attributes of the library alone, where they are the same', () => {
    const properties = { correlationId: text('token'), replyTo: url }
    const headers = { sluice_reply_token: text('token'), sluice_reply_to: text(url) }
    assert.equal(Object.keys(attributesOf(message({ headers, properties }))).length, 4)
    const other = attributesOf(message({ headers, properties: { ...properties, replyTo: 'answers' } }))
    assert.equal(other.sluice_reply_to, `String ${url}`)
  })

  test('an ARN is a reply address too; one that is no queue of SQS stays beside', () => {
    const replyTo = 'arn:aws-cn:sqs:cn-north-1:123456789012:answers'
    const attributes = attributesOf(message({ properties: { replyTo } }))
    assert.equal(
      attributes.JMS_SQSReplyToQueueURL,
      'String https://sqs.cn-north-1.amazonaws.com.cn/123456789012/answers',
    )
    assert.equal(attributes.sluice_properties, `String {"replyTo":"${replyTo}"}`)
    for (const other of ['answers', 'temp-queue://x', ''])
      assert.deepEqual(attributesOf(message({ properties: { replyTo: other } })), {
        JMS_SQSMessageType: 'String text',
        sluice_properties: `String {"replyTo":"${other}"}`,
      })
  })

  test('more than the library reads is refused, unless packing is asked for', () => {
    const headers = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`h${i}`, text('v')]))
    assert.equal(Object.keys(attributesOf(message({ headers }))).length, 10)
    const properties = { correlationId: text('c'), replyTo: url, priority: 4 }
    assert.throws(
      () => send(message({ headers, properties })),
      /has 9 headers and SQS takes 10 attributes, 5 of which are taken by JMS_SQSMessageType, JMS_SQSCorrelationID, JMS_SQSReplyToQueueName, JMS_SQSReplyToQueueURL, sluice_properties/,
    )
    for (const [name, value] of [
      ['a b', text('x')],
      ['empty', text('')],
      ['none', { type: 'null' }],
      ['list', { type: 'list', value: [] }],
      ['JMS_SQSMessageType', text('byte')],
    ] as [string, Value][]) {
      const m = message({ headers: { [name]: value } })
      assert.throws(() => send(m), { name: 'MessageRefused', message: /cannot be an attribute: / })
      const packed = attributesOf(m, { attributes: { overflow: 'pack' } })
      assert.match(packed.sluice_headers!, new RegExp(`^String \\{"${name}":`))
      assert.equal(packed.JMS_SQSMessageType, 'String text')
    }
  })
})

describe('format: jms: read', () => {
  const ofLibrary = {
    JMS_SQSMessageType: 'String text',
    JMS_SQSCorrelationID: 'String c-1',
    JMS_SQSReplyToQueueName: 'String answers',
    JMS_SQSReplyToQueueURL: `String ${url}`,
    JMSXGroupID: 'String g',
    JMSXGroupSeq: 'Number.int 7',
    n: 'Number.long 5',
    d: 'Number.double 1.0E-7',
    b: 'Number.Boolean 1',
  }

  test("the library's attributes are properties of the message, its JMSMessageID among them", () => {
    const { message: read, fault } = receive('hello', ofLibrary)
    assert.equal(fault, undefined)
    assert.deepEqual(read.body, { kind: 'text', text: 'hello' })
    assert.deepEqual(read.properties, {
      groupId: 'g',
      messageId: text('ID:11-22'),
      correlationId: text('c-1'),
      replyTo: url,
      groupSequence: 7,
    })
    assert.deepEqual(read.headers, {
      n: { type: 'int64', value: 5n },
      d: { type: 'float64', value: 1e-7 },
      b: { type: 'bool', value: true },
    })
  })

  test('of a FIFO queue the message group is the group, and another one stays a header', () => {
    for (const [written, headers] of [
      ['new', {}],
      ['old', { JMSXGroupID: { type: 'string', value: 'old' } }],
    ] as const) {
      const more = { MessageGroupId: 'new' }
      const { message: read } = receive('x', { JMSXGroupID: `String ${written}` }, more)
      assert.deepEqual([read.properties.groupId, read.headers], ['new', headers])
    }
  })

  test('without the attributes of the library it is a text', () => {
    const { message: read } = receive('x', { a: 'String b', JMS_SQSReplyToQueueName: 'String alone' })
    assert.deepEqual(read.body, { kind: 'text', text: 'x' })
    assert.deepEqual(read.headers, { a: text('b'), JMS_SQSReplyToQueueName: text('alone') })
  })

  test('with format: native they are headers', () => {
    const { message: read } = receive('AP8=', { JMS_SQSMessageType: 'String byte' }, {}, { format: 'native' })
    assert.deepEqual(read.body, { kind: 'text', text: 'AP8=' })
    assert.deepEqual(read.headers, { JMS_SQSMessageType: text('byte') })
  })

  test('bytes and objects', () => {
    assert.deepEqual(receive('AP8=', { JMS_SQSMessageType: 'String byte' }).message.body, {
      kind: 'bytes',
      bytes: Buffer.of(0, 255),
    })
    assert.deepEqual(receive('rO0=', { JMS_SQSMessageType: 'String object' }).message.body, {
      kind: 'object',
      bytes: Buffer.of(0xac, 0xed),
    })
  })

  for (const [what, body, type, reason] of [
    ['another type', 'x', 'String map', /JMS_SQSMessageType is "map", and `format: jms` knows text, byte/],
    ['a type that is no text', 'x', 'Number.int 1', /is "another type"/],
    ['no base64', 'AP8', 'String byte', /says byte, and the body is no base64/],
    ['a blank', ' ', 'String object', /says object, and the body is no base64/],
  ] as const) {
    test(`${what}: a fault, with the message as it came`, () => {
      const { message: read, fault } = receive(body, { JMS_SQSMessageType: type })
      assert.match(fault!.message, reason)
      assert.deepEqual(read.body, { kind: 'text', text: body })
      assert.ok(read.headers.JMS_SQSMessageType)
    })
  }

  test('a body of nothing: a fault, since the library writes none', () => {
    assert.match(receive('', { JMS_SQSMessageType: 'String byte' }).fault!.message, /is no base64/)
  })

  test('any message that is not refused comes back as it was', () => {
    const overflow = { attributes: { overflow: 'pack' } }
    let passed = 0
    fc.assert(
      fc.property(anyMessage, fc.constantFrom('q', 'q.fifo'), (m, queue) => {
        const { deduplicationId: _, ...properties } = m.properties
        try {
          const entry = send(
            { ...m, properties: { ...properties, deduplicationId: 'd' } },
            { queue, ...overflow },
          )
          passed++
          const { MessageGroupId } = entry
          const { message: back, fault } = decode(
            {
              MessageId: '1',
              Body: entry.MessageBody,
              MessageAttributes: textsOf(entry.MessageAttributes),
              Attributes: MessageGroupId === undefined ? {} : { MessageGroupId },
            },
            sqs.source!.options.parse({ queue, format: 'jms' }),
          )
          assert.equal(fault, undefined)
          assert.deepEqual(shownAll(back.headers), shownAll(m.headers))
          assert.deepEqual(bytesOf(back.body), bytesOf(m.body))
          const group =
            properties.groupId === undefined && queue === 'q.fifo' ? { groupId: MessageGroupId } : {}
          const expected = { messageId: text('ID:1'), ...group, ...properties }
          assert.deepEqual(sorted(back.properties), sorted(expected))
        } catch (error) {
          if (!(error instanceof MessageRefused)) throw error
        }
      }),
      { numRuns: 2_000 },
    )
    assert.ok(passed > 500, `only ${passed} were not refused`)
  })

  const textsOf = (attributes: Attributes = {}) =>
    Object.fromEntries(
      Object.entries(attributes).map(([name, { DataType, StringValue }]) => {
        assert.ok(StringValue !== undefined, 'the library reads no binary attribute')
        return [name, { DataType, StringValue }]
      }),
    )
  const shownAll = (values: Readonly<Record<string, Value>>) =>
    Object.entries(values)
      .map(([name, value]) => [name, shown(value)])
      .toSorted(byName)
  const sorted = (properties: object) =>
    Object.entries(properties)
      .map(([name, value]) => [name, typeof value === 'object' ? shown(value) : value])
      .toSorted(byName)
  const byName = ([a]: unknown[], [b]: unknown[]) => (String(a) < String(b) ? -1 : 1)
  const bytesOf = (body: Body) => ('bytes' in body ? { ...body, bytes: Buffer.from(body.bytes) } : body)
})
