import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Attributes } from '../../src/adapters/shared/aws/calls.ts'
import { sns } from '../../src/adapters/sns/index.ts'
import { decode } from '../../src/adapters/sqs/codec.ts'
import { sqs } from '../../src/adapters/sqs/index.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Body, Headers, Message, Properties } from '../../src/core/message.ts'
import { text, type Value } from '../../src/core/value.ts'

const common = { connectionName: 'c', route: 'r', connection: {} }
const toQueue = (queue: string, more = {}) => ({
  ...common,
  options: sqs.sink!.options.parse({ queue, ...more }),
})
const toTopic = (topic: string, more = {}) => ({
  ...common,
  options: sns.sink!.options.parse({ topic: `arn:aws:sns:eu-west-1:000000000000:${topic}`, ...more }),
})
const mebibyte = { maxMessageSize: 1_048_576 }

const message = (more: Partial<Message> = {}): Message => ({
  address: 'ORDERS',
  body: { kind: 'text', text: 'hello' },
  headers: {},
  properties: {},
  ...more,
})
const send = (more: Partial<Message>, queue = 'q', limits = mebibyte, options = {}) =>
  sqs.sink!.prepare(toQueue(queue, options), limits, message(more))
const publish = (more: Partial<Message>, options = {}) =>
  sns.sink!.prepare(toTopic('t', options), mebibyte, message(more))

/** Without packing (aws-packed.test.ts). */
const refusing = { attributes: { overflow: 'refuse' } }

const body = (body: Body) => send({ body }).entry.MessageBody
const header = (value: Value) => {
  const { DataType, StringValue, BinaryValue } = send({ headers: { h: value } }).entry.MessageAttributes!.h!
  return [DataType, StringValue ?? BinaryValue]
}
const topicHeader = (value: Value) => {
  const { DataType, StringValue } = publish({ headers: { h: value } }).entry.MessageAttributes!.h!
  return [DataType, StringValue]
}
const properties = (of: Properties, queue = 'q') =>
  send({ properties: { deduplicationId: 'd', ...of } }, queue).entry.MessageAttributes?.sluice_properties
    ?.StringValue
const bytes = (...values: number[]) => Uint8Array.from(values)

describe('aws codec: bodies', () => {
  test('text is itself, and so are bytes that are UTF-8', () => {
    assert.equal(body({ kind: 'text', text: 'tab\t\r\n\u007f\u0085 é 🦑' }), 'tab\t\r\n\u007f\u0085 é 🦑')
    assert.equal(body({ kind: 'bytes', bytes: Buffer.from('\ufeffé 🦑') }), '\ufeffé 🦑')
  })

  test('maps and lists are JSON with every digit', () => {
    const entries: [Value, Value][] = [
      [text('big'), { type: 'int64', value: 9_223_372_036_854_775_807n }],
      [text('when'), { type: 'timestamp', value: 0 }],
      [text('raw'), { type: 'bytes', value: bytes(0, 255) }],
      [text('7'), { type: 'list', value: [{ type: 'float64', value: Number.NaN }, { type: 'null' }] }],
    ]
    const json = '{"big":9223372036854775807,"when":"1970-01-01T00:00:00.000Z","raw":"AP8=","7":["NaN",null]}'
    assert.equal(body({ kind: 'map', entries }), json)
    assert.equal(
      body({ kind: 'list', items: [{ type: 'bool', value: true }, text('\u0000\ufffe')] }),
      '[true,"\\u0000\\ufffe"]',
    )
  })

  const carried: [string, Body, string, string | undefined][] = [
    ['none', { kind: 'none' }, ' ', '{"body":"none","encoding":"empty"}'],
    ['empty text', { kind: 'text', text: '' }, ' ', '{"body":"text","encoding":"empty"}'],
    ['empty bytes', { kind: 'bytes', bytes: bytes() }, ' ', '{"body":"bytes","encoding":"empty"}'],
    ['bytes that are UTF-8', { kind: 'bytes', bytes: Buffer.from('é') }, 'é', '{"body":"bytes"}'],
    [
      'bytes that are no UTF-8',
      { kind: 'bytes', bytes: bytes(0xff, 0xfe) },
      '//4=',
      '{"body":"bytes","encoding":"base64"}',
    ],
    [
      'a Java object',
      { kind: 'object', bytes: bytes(0xac, 0xed, 0, 5) },
      'rO0ABQ==',
      '{"body":"object","encoding":"base64"}',
    ],
    ['NUL', { kind: 'bytes', bytes: Buffer.from('ab\0') }, 'YWIA', '{"body":"bytes","encoding":"base64"}'],
    [
      'a control character',
      { kind: 'text', text: '\u001b[1m' },
      'G1sxbQ==',
      '{"body":"text","encoding":"base64"}',
    ],
    [
      'a lone surrogate',
      { kind: 'text', text: 'x\ud83e' },
      '"x\\ud83e"',
      '{"body":"text","encoding":"typed"}',
    ],
    ['U+FFFE', { kind: 'text', text: '\ufffe' }, '77++', '{"body":"text","encoding":"base64"}'],
    ['U+FFFF', { kind: 'text', text: '🦑\uffff' }, '8J+mke+/vw==', '{"body":"text","encoding":"base64"}'],
    ['text with U+FFFD', { kind: 'text', text: '\ufffd' }, '\ufffd', undefined],
  ]
  for (const [title, odd, expected, note] of carried) {
    test(`${title}: a body that both services take, with a note of what it was`, () => {
      for (const [text, attributes] of [
        [send({ body: odd }).entry.MessageBody, send({ body: odd }).entry.MessageAttributes],
        [publish({ body: odd }).entry.Message, publish({ body: odd }).entry.MessageAttributes],
      ] as const) {
        assert.equal(text, expected)
        assert.deepEqual(attributes?.sluice_properties?.StringValue, note)
      }
    })
  }

  test('a map whose keys are no strings is typed JSON, and both are noted', () => {
    const entries: [Value, Value][] = [[{ type: 'uint32', value: 7 }, { type: 'null' }]]
    const { MessageBody, MessageAttributes } = send({ body: { kind: 'map', entries } }).entry
    assert.equal(MessageBody, '{"map":[[{"uint32":7},null]]}')
    assert.equal(MessageAttributes?.sluice_properties?.StringValue, '{"body":"map","encoding":"typed"}')
  })
})

describe('aws codec: headers', () => {
  const kinds: [Value, string, string][] = [
    [text('é 🦑'), 'String', 'é 🦑'],
    [{ type: 'bool', value: true }, 'Number.Boolean', '1'],
    [{ type: 'bool', value: false }, 'Number.Boolean', '0'],
    [{ type: 'int8', value: -128 }, 'Number.byte', '-128'],
    [{ type: 'int16', value: 300 }, 'Number.short', '300'],
    [{ type: 'int32', value: 0 }, 'Number.int', '0'],
    [{ type: 'int64', value: -9_223_372_036_854_775_808n }, 'Number.long', '-9223372036854775808'],
    [{ type: 'uint8', value: 255 }, 'Number.uint8', '255'],
    [{ type: 'uint16', value: 65_535 }, 'Number.uint16', '65535'],
    [{ type: 'uint32', value: 4_294_967_295 }, 'Number.uint32', '4294967295'],
    [{ type: 'uint64', value: 18_446_744_073_709_551_615n }, 'Number.uint64', '18446744073709551615'],
    [{ type: 'float32', value: Math.fround(0.1) }, 'Number.float', '0.10000000149011612'],
    [{ type: 'float64', value: 0.1 }, 'Number.double', '0.1'],
    [{ type: 'float64', value: 1e-300 }, 'String.double', '1e-300'],
    [{ type: 'float64', value: 5e200 }, 'String.double', '5e+200'],
    [{ type: 'float64', value: -0 }, 'String.double', '-0'],
    [{ type: 'float32', value: Number.NaN }, 'String.float', 'NaN'],
    [{ type: 'float64', value: Number.NEGATIVE_INFINITY }, 'String.double', '-Infinity'],
    [{ type: 'timestamp', value: 1_790_000_000_123 }, 'Number.timestamp', '1790000000123'],
    [
      { type: 'uuid', value: '123e4567-e89b-12d3-a456-426614174000' },
      'String.uuid',
      '123e4567-e89b-12d3-a456-426614174000',
    ],
    [{ type: 'symbol', value: 'amqp:x' }, 'String.symbol', 'amqp:x'],
    [{ type: 'char', value: 'é' }, 'String.char', 'é'],
    [{ type: 'decimal', value: '1.5' }, 'Number.decimal', '1.5'],
    [{ type: 'decimal', value: '-1234567' }, 'Number.decimal', '-1234567'],
    [{ type: 'decimal', value: '1.50' }, 'String.decimal', '1.50'],
    [{ type: 'decimal', value: '007' }, 'String.decimal', '007'],
    [{ type: 'decimal', value: '-0' }, 'String.decimal', '-0'],
    [{ type: 'decimal', value: '9'.repeat(39) }, 'String.decimal', '9'.repeat(39)],
    [{ type: 'null' }, 'String.json', 'null'],
    [text(''), 'String.json', '""'],
    [text('a\0'), 'String.json', '"a\\u0000"'],
    [text('\ud800\uffff'), 'String.json', '"\\ud800\\uffff"'],
    [{ type: 'symbol', value: '' }, 'String.json', '{"symbol":""}'],
    [{ type: 'bytes', value: bytes() }, 'String.json', '{"bytes":""}'],
    [{ type: 'list', value: [{ type: 'int32', value: 5 }, text('x')] }, 'String.json', '[{"int32":5},"x"]'],
    [
      { type: 'map', value: [[text('k'), { type: 'uint64', value: 7n }]] },
      'String.json',
      '{"map":[["k",{"uint64":"7"}]]}',
    ],
  ]
  for (const [value, type, expected] of kinds) {
    test(`${value.type} is ${type} ${JSON.stringify(expected)}`, () =>
      assert.deepEqual(header(value), [type, expected]))
  }

  test('bytes and the decimals of AMQP 1.0 are binary', () => {
    assert.deepEqual(header({ type: 'bytes', value: bytes(0, 1) }), ['Binary', bytes(0, 1)])
    assert.deepEqual(header({ type: 'decimal64', value: bytes(9) }), ['Binary.decimal64', bytes(9)])
  })

  test('SNS: numbers out of its range and emoji travel as strings, exactly', () => {
    assert.deepEqual(topicHeader({ type: 'int32', value: 1_000_000_000 }), ['Number.int', '1000000000'])
    assert.deepEqual(topicHeader({ type: 'int32', value: 1_000_000_001 }), ['String.int', '1000000001'])
    assert.deepEqual(topicHeader({ type: 'timestamp', value: 1_790_000_000_123 }), [
      'String.timestamp',
      '1790000000123',
    ])
    assert.deepEqual(topicHeader({ type: 'float64', value: 0.12345 }), ['Number.double', '0.12345'])
    assert.deepEqual(topicHeader({ type: 'float64', value: 0.123456 }), ['String.double', '0.123456'])
    assert.deepEqual(topicHeader(text('é 🦑')), ['String.json', '"é \\ud83e\\udd91"'])
  })

  for (const [name, reason] of [
    ['', /names are 1 to 256/],
    ['a b', /names are 1 to 256/],
    ['JMS:x', /names are 1 to 256/],
    ['größe', /names are 1 to 256/],
    ['x'.repeat(257), /names are 1 to 256/],
    ['.a', /period/],
    ['a.', /period/],
    ['a..b', /period/],
    ['AWS.a', /reserved/],
    ['amazon.a', /reserved/],
    ['sluice_properties', /taken/],
  ] as const) {
    test(`overflow: refuse refuses the name ${JSON.stringify(name).slice(0, 20)}`, () => {
      const wrong = { headers: { [name]: text('v') } }
      assert.throws(() => send(wrong, 'q', mebibyte, refusing), { name: 'MessageRefused', message: reason })
      assert.throws(() => publish(wrong, refusing), { name: 'MessageRefused', message: reason })
      assert.throws(
        () => send(wrong, 'q', mebibyte, refusing),
        (e: Error) => e.message.includes(JSON.stringify(name)),
      )
    })
  }

  test('overflow: refuse refuses __proto__, which objects lose', () => {
    const headers = Object.defineProperty({}, '__proto__', { value: text('v'), enumerable: true }) as Headers
    assert.throws(() => send({ headers }, 'q', mebibyte, refusing), MessageRefused)
  })

  test('overflow: refuse takes ten attributes, the properties among them, and refuses eleven with the count', () => {
    const headers = (count: number): Headers =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, text('v')]))
    assert.equal(Object.keys(send({ headers: headers(10) }).entry.MessageAttributes!).length, 10)
    const refused = (more: Partial<Message>) => () => send(more, 'q', mebibyte, refusing)
    assert.throws(refused({ headers: headers(30) }), /has 30 headers and SQS takes 10/)
    assert.throws(() => publish({ headers: headers(11) }, refusing), /has 11 headers and SNS takes 10/)
    const withPriority = { headers: headers(10), properties: { priority: 4 } }
    assert.throws(refused(withPriority), /has 10 headers and SQS takes 10 attributes, one of which is taken/)
  })
})

describe('aws codec: requests and replies', () => {
  const said = {
    sluice_reply_token: 'k1.WyJtcSIsInRlbXAtcXVldWU6Ly94IiwxXQ.c2lnbmF0dXJl',
    sluice_reply_to: 'https://sqs.eu-west-1.amazonaws.com/1/answers',
  }
  const own = {
    sluice_reply_token: text(said.sluice_reply_token),
    sluice_reply_to: text(said.sluice_reply_to),
  }
  const headers = (count: number): Headers => ({
    ...own,
    ...Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, text('v')])),
  })
  const properties = { trail: 'sluice/requests', correlationId: own.sluice_reply_token }

  test('the token and where to answer are attributes of text, which a service can read and echo', () => {
    for (const { MessageAttributes } of [
      send({ headers: own, properties }).entry,
      publish({ headers: own, properties }).entry,
    ]) {
      for (const [name, StringValue] of Object.entries(said)) {
        assert.deepEqual(MessageAttributes?.[name], { DataType: 'String', StringValue })
      }
    }
  })

  test('of the ten attributes they leave seven, since one has the properties', () => {
    assert.equal(Object.keys(send({ headers: headers(7), properties }).entry.MessageAttributes!).length, 10)
    assert.throws(
      () => send({ headers: headers(8), properties }, 'q', mebibyte, refusing),
      /has 10 headers and SQS takes 10 attributes, one of which is taken/,
    )
  })

  test('come back from a service that knows nothing of Sluice', () => {
    const attributes = Object.fromEntries(
      Object.entries(said).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
    )
    const options = sqs.source!.options.parse({ queue: 'answers' })
    const { message: reply } = decode({ Body: 'yes', MessageAttributes: attributes }, options)
    assert.deepEqual(reply.headers, own)
  })
})

describe('aws codec: properties', () => {
  test('are one attribute of JSON, absent when there is none', () => {
    assert.equal(properties({}), undefined)
    assert.equal(
      properties({
        messageId: { type: 'uint64', value: 18_446_744_073_709_551_615n },
        correlationId: text('c'),
        replyTo: 'R',
        durable: true,
        priority: 4,
        expiresAt: 1_790_000_000_000,
        userId: { type: 'bytes', value: bytes(1) },
      }),
      '{"messageId":{"uint64":"18446744073709551615"},"correlationId":"c","replyTo":"R","durable":true,"priority":4,' +
        '"expiresAt":1790000000000,"userId":{"bytes":"AQ=="}}',
    )
  })

  test('hold the group id unless the message group is exactly that', () => {
    assert.equal(properties({ groupId: 'g' }), '{"groupId":"g"}')
    assert.equal(properties({ groupId: 'g' }, 'q.fifo'), undefined)
    assert.equal(properties({ groupId: 'g 1' }, 'q.fifo'), '{"groupId":"g 1"}')
  })

  test('SNS: emoji are escaped', () => {
    const { entry } = publish({ properties: { subject: '🦑' } })
    assert.equal(entry.MessageAttributes!.sluice_properties!.StringValue, '{"subject":"\\ud83e\\udd91"}')
  })
})

describe('aws codec: FIFO', () => {
  const fifo = (more: Partial<Message>) => send({ properties: { deduplicationId: 'd' }, ...more }, 'q.fifo')

  test('the group is the group id, else the address, with what AWS refuses percent-encoded', () => {
    assert.equal(
      fifo({ properties: { groupId: '50%/a', deduplicationId: 'd' } }).entry.MessageGroupId,
      '50%/a',
    )
    assert.equal(fifo({}).entry.MessageGroupId, 'ORDERS')
    assert.equal(fifo({ address: 'plant 1/ö🦑' }).entry.MessageGroupId, 'plant%201/%C3%B6%F0%9F%A6%91')
    assert.throws(() => fifo({ address: 'x'.repeat(129) }), /129 characters/)
    assert.throws(() => fifo({ address: '' }), /neither a group id nor an address/)
  })

  test('the order group is the group, unless fifo_batches is fill', () => {
    const group = (more: Partial<Message>, queue = 'q.fifo', options = {}) =>
      sqs.sink!.orderGroup!(toQueue(queue, options), message(more))
    assert.equal(group({}), 'ORDERS')
    assert.equal(group({ properties: { groupId: 'Kunde 7' } }), 'Kunde%207')
    assert.equal(group({}, 'q'), undefined)
    assert.equal(group({}, 'q.fifo', { fifo_batches: 'fill' }), undefined)
    const filling = sqs.sink!.prepare(
      toQueue('q.fifo', { fifo_batches: 'fill' }),
      mebibyte,
      message({ properties: { deduplicationId: 'd' } }),
    )
    assert.equal(filling.group, 'ORDERS')
  })

  test('a message that is refused has a group as well', () => {
    const groupId = 'x'.repeat(129)
    assert.equal(sqs.sink!.orderGroup!(toQueue('q.fifo'), message({ properties: { groupId } })), groupId)
    assert.equal(sns.sink!.orderGroup!(toTopic('t.fifo'), message()), 'ORDERS')
  })

  test('the deduplication id is never left to AWS, and refused when AWS would', () => {
    assert.equal(fifo({}).entry.MessageDeduplicationId, 'd')
    assert.throws(() => fifo({ properties: {} }), /needs a deduplication id/)
    assert.throws(() => fifo({ properties: { deduplicationId: 'a b' } }), /"a b" is not 1 to 128/)
  })

  test('a standard queue or topic gets neither id', () => {
    const { entry } = send({ properties: { groupId: 'g', deduplicationId: 'd' } })
    assert.equal('MessageGroupId' in entry || 'MessageDeduplicationId' in entry, false)
  })

  test('queues and topics are FIFO by name, URL and ARN', () => {
    for (const queue of [
      'q.fifo',
      'https://sqs.eu-west-1.amazonaws.com/000000000000/q.fifo',
      'arn:aws:sqs:eu-west-1:000000000000:q.fifo',
    ]) {
      assert.equal(
        fifo({}).entry.MessageGroupId,
        send({ properties: { deduplicationId: 'd' } }, queue).entry.MessageGroupId,
      )
    }
    const topic = sns.sink!.prepare(
      toTopic('t.fifo'),
      mebibyte,
      message({ properties: { deduplicationId: 'd' } }),
    )
    assert.deepEqual([topic.entry.MessageGroupId, topic.entry.MessageDeduplicationId], ['ORDERS', 'd'])
  })
})

describe('aws codec: size and subject', () => {
  test('size is body, names, types and values in bytes, and the limit is the one of the queue', () => {
    const more = {
      body: { kind: 'text', text: 'é' },
      headers: { ab: text('ü'), n: { type: 'bytes', value: bytes(1, 2, 3) } },
    } as const
    const size = 2 + ('ab'.length + 'String'.length + 2) + ('n'.length + 'Binary'.length + 3)
    assert.equal(send(more).size, size)
    assert.equal(send(more, 'q', { maxMessageSize: size }).size, size)
    assert.throws(
      () => send(more, 'q', { maxMessageSize: size - 1 }),
      /has 22 bytes with its attributes, and SQS takes 21/,
    )
  })

  test('refuses 2 MiB with both sizes', () => {
    const big = { body: { kind: 'bytes', bytes: Buffer.alloc(2 ** 21, 'x') } } as const
    assert.throws(() => send(big), /has 2097191 bytes .* 1048576/)
    const text = { body: { kind: 'text', text: 'x'.repeat(2 ** 21) } } as const
    assert.throws(() => send(text), /has 2097152 bytes .* 1048576/)
    const binary = { body: { kind: 'bytes', bytes: Buffer.alloc(800_000, 0xff) } } as const
    assert.throws(() => send(binary), /has 1066727 bytes .* 1048576/)
  })

  test('SNS: the subject is sent only when asked for and legal', () => {
    const subject = (value: string, options: object) =>
      publish({ properties: { subject: value } }, options).entry.Subject
    assert.equal(subject('Pump 7 hot', { subject: true }), 'Pump 7 hot')
    assert.equal(subject('Pump 7 hot', {}), undefined)
    for (const wrong of ['x'.repeat(100), 'a\nb', 'ü', ' a', ''])
      assert.equal(subject(wrong, { subject: true }), undefined)
  })
})

/** The rules of both services once more, written from their API references and not from our code. */
function violations(attributes: Attributes, strings: readonly string[], service: 'sqs' | 'sns'): string[] {
  const found: string[] = []
  const legalText = (s: string) =>
    [...s].every(c => {
      const code = c.codePointAt(0)!
      const ranges = [
        [0x9, 0xa],
        [0xd, 0xd],
        [0x20, 0xd7ff],
        [0xe000, 0xfffd],
        [0x10000, 0x10ffff],
      ]
      return ranges.some(([from, to]) => code >= from! && code <= to!)
    })
  if (Object.keys(attributes).length > 10) found.push('more than ten')
  for (const s of strings) if (s === '' || !legalText(s)) found.push('text')
  for (const [name, { DataType, StringValue, BinaryValue }] of Object.entries(attributes)) {
    if (!/^[\w.-]{1,256}$/.test(name) || /^\.|\.$|\.\.|^(aws|amazon)\./i.test(name))
      found.push(`name ${name}`)
    if (!/^(String|Number|Binary)(\.[A-Za-z0-9]+)?$/.test(DataType)) found.push(`type ${DataType}`)
    const kind = DataType.split('.')[0]
    if (kind === 'Binary' ? !(BinaryValue!.length > 0) : !StringValue || !legalText(StringValue))
      found.push(`value of ${name}`)
    if (kind === 'Number') {
      if (!/^-?(0|[1-9]\d*)(\.\d*[1-9])?$/.test(StringValue!)) found.push(`number ${StringValue}`)
      if (StringValue!.replace(/\D/g, '').length > 38) found.push('precision')
      if (service === 'sns' && (Math.abs(Number(StringValue)) > 1e9 || /\.\d{6}/.test(StringValue!)))
        found.push('range')
    }
    if (service === 'sns' && /[\u{10000}-\u{10ffff}]/u.test(StringValue ?? '')) found.push('surrogates')
  }
  return found
}

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\0', '\ud800', '🦑', '\ufffe'),
)
const anyBytes = fc.uint8Array({ maxLength: 8 })
const { anyValue } = fc.letrec<{ anyValue: Value }>(tie => ({
  anyValue: fc.oneof(
    { maxDepth: 2 },
    fc.constant<Value>({ type: 'null' }),
    fc.record({
      type: fc.constantFrom('string' as const, 'symbol' as const, 'char' as const),
      value: anyText,
    }),
    fc.record({ type: fc.constantFrom('float64' as const), value: fc.double() }),
    fc.record({ type: fc.constantFrom('float32' as const), value: fc.float() }),
    fc.record({ type: fc.constantFrom('int64' as const), value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) }),
    fc.record({ type: fc.constantFrom('uint64' as const), value: fc.bigInt(0n, 2n ** 64n - 1n) }),
    fc.record({ type: fc.constantFrom('int32' as const), value: fc.integer() }),
    fc.record({ type: fc.constantFrom('timestamp' as const), value: fc.maxSafeInteger() }),
    fc.record({ type: fc.constantFrom('bytes' as const, 'decimal128' as const), value: anyBytes }),
    fc.record({ type: fc.constantFrom('list' as const), value: fc.array(tie('anyValue'), { maxLength: 3 }) }),
    fc.record({
      type: fc.constantFrom('map' as const),
      value: fc.array(fc.tuple(tie('anyValue'), tie('anyValue')), { maxLength: 3 }),
    }),
  ),
}))
const legalName = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/).filter(name => name !== '__proto__')
const anyMessage: fc.Arbitrary<Message> = fc.record({
  address: anyText,
  body: fc.oneof(
    fc.record({ kind: fc.constant('text' as const), text: anyText }),
    fc.record({ kind: fc.constant('bytes' as const), bytes: anyBytes }),
    fc.record({ kind: fc.constant('list' as const), items: fc.array(anyValue, { maxLength: 3 }) }),
  ),
  headers: fc.dictionary(
    fc.oneof({ weight: 9, arbitrary: legalName }, { weight: 1, arbitrary: anyText }),
    anyValue,
    { maxKeys: 11 },
  ),
  properties: fc.record(
    { messageId: anyValue, subject: anyText, groupId: anyText, deduplicationId: anyText },
    { requiredKeys: [] },
  ),
})

describe('aws codec: properties for any message', () => {
  test('what is not refused breaks no rule of the service', () => {
    let passed = 0
    fc.assert(
      fc.property(anyMessage, fc.constantFrom('q', 'q.fifo'), (m, queue) => {
        const prepared = [
          () => sqs.sink!.prepare(toQueue(queue), mebibyte, m),
          () => sns.sink!.prepare(toTopic(queue), mebibyte, m),
        ]
        for (const [i, prepare] of prepared.entries()) {
          try {
            const { entry } = prepare()
            const content = 'MessageBody' in entry ? entry.MessageBody : entry.Message
            assert.deepEqual(
              violations(entry.MessageAttributes ?? {}, [content], i === 0 ? 'sqs' : 'sns'),
              [],
            )
            if (queue === 'q.fifo') {
              assert.match(entry.MessageGroupId!, /^[!-~]{1,128}$/)
              assert.match(entry.MessageDeduplicationId!, /^[!-~]{1,128}$/)
            }
            passed++
          } catch (error) {
            if (!(error instanceof MessageRefused)) throw error
          }
        }
      }),
      { numRuns: 2_000 },
    )
    assert.ok(passed > 200, `only ${passed} were not refused`)
  })

  test('an attribute that its label does not fit is text, with all that was written', () => {
    const read = (DataType: string, StringValue: string) => {
      const received = { Body: 'x', MessageAttributes: { h: { DataType, StringValue } } }
      return decode(received as never, sqs.source!.options.parse({ queue: 'q' })).message.headers.h
    }
    for (const [type, written] of [
      ['Number.float', '1e300'],
      ['Number.float', '-3.5e38'],
      ['Number.int', '2147483648'],
      ['Number.long', '9223372036854775808'],
      ['Number.double', '1e400'],
      ['String.json', '{'],
    ] as const) {
      assert.deepEqual(read(type, written), text(written))
    }
    assert.deepEqual(read('Number.float', '3.4e38'), { type: 'float32', value: 3.4e38 })
  })

  test('no header is refused for its value, and every number reads back exactly', () => {
    fc.assert(
      fc.property(anyValue, value => {
        const [type, content] = header(value)
        if (typeof content !== 'string' || type === 'String.json') return
        if (value.type === 'float64' || value.type === 'float32')
          assert.ok(Object.is(Number(content), value.value))
        if (value.type === 'int64' || value.type === 'uint64') assert.equal(BigInt(content), value.value)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('aws options', () => {
  const accepts = (queue: string) => assert.equal(sqs.sink!.options.parse({ queue }).queue, queue)
  const refuses = (queue: string) =>
    assert.throws(() => sqs.sink!.options.parse({ queue }), /name, URL or ARN/)

  test('a queue is a name, a URL or an ARN, taken as it is', () => {
    accepts('orders')
    accepts('orders.fifo')
    accepts('https://sqs.eu-west-1.amazonaws.com/123456789012/orders')
    accepts('arn:aws-cn:sqs:cn-north-1:123456789012:orders.fifo')
    for (const wrong of [
      '',
      'a b',
      'x'.repeat(81),
      'orders.fif',
      'arn:aws:sns:eu-west-1:123456789012:x',
      'https://x/',
    ])
      refuses(wrong)
  })

  test('a topic is an ARN', () => {
    assert.throws(() => sns.sink!.options.parse({ topic: 'alarms' }), /expected the ARN of a topic/)
  })

  test('a key id needs its secret, which is never printed', () => {
    assert.throws(() => sqs.connection.parse({ access_key_id: 'a' }), /go together/)
    const parsed = sqs.connection.parse({ access_key_id: 'a', secret_access_key: 'hidden' })
    assert.equal(JSON.stringify(parsed).includes('hidden'), false)
  })
})
