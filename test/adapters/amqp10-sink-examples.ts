import assert from 'node:assert/strict'
import type { Body, Message, Properties } from '../../src/core/message.ts'
import type { Value } from '../../src/core/value.ts'
import type { Native } from './amqp10-bytes.ts'
import type { SinkExample } from './sink-fixture.ts'

/** In which ways brokers are written to differently. */
export interface Ways {
  /** ActiveMQ Classic: types that JMS knows; Artemis: types that it turns into those. */
  readonly jms?: 'classic' | 'artemis'
  /** RabbitMQ 3: a map or list is JSON text. */
  readonly text?: true
}

const text = (value: string): Value => ({ type: 'string', value })
const uuid = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
const plain: Body = { kind: 'text', text: 'x' }

/** What Artemis cannot turn. */
const unturned = /^(uuid|timestamp|decimal64)$/

/** Value, what a native client reads, and what it reads where all types are those of JMS. */
const headers: readonly (readonly [Value, string, string?])[] = [
  [{ type: 'bool', value: true }, 'True:true'],
  [{ type: 'int8', value: -5 }, 'Byte:-5'],
  [{ type: 'int16', value: -500 }, 'Short:-500'],
  [{ type: 'int32', value: 5 }, 'Int:5'],
  [{ type: 'int64', value: 5n }, 'Long:5'],
  [{ type: 'uint8', value: 200 }, 'Ubyte:200', 'Short:200'],
  [{ type: 'uint16', value: 60_000 }, 'Ushort:60000', 'Int:60000'],
  [{ type: 'uint32', value: 4_000_000_000 }, 'Uint:4000000000', 'Long:4000000000'],
  [{ type: 'uint64', value: 2n ** 63n + 1n }, 'Ulong:8000000000000001', 'Str:9223372036854775809'],
  [{ type: 'uint64', value: 7n }, 'Ulong:7', 'Long:7'],
  [{ type: 'float32', value: 1.5 }, 'Float:1.5'],
  [{ type: 'float64', value: 5 }, 'Double:5'],
  [text('Grüße 😀\n'), 'Str:Grüße 😀\n'],
  [{ type: 'symbol', value: 'sym' }, 'Sym:sym', 'Str:sym'],
  [{ type: 'char', value: 'a' }, 'CharUTF:97'],
  [{ type: 'char', value: '😀' }, 'CharUTF:128512', 'Str:😀'],
  [{ type: 'uuid', value: uuid }, `Uuid:${uuid.replaceAll('-', '')}`, `Str:${uuid}`],
  [{ type: 'timestamp', value: 1_700_000_000_123 }, 'Timestamp:1700000000123', 'Long:1700000000123'],
  [{ type: 'bytes', value: Buffer.from([0, 255]) }, 'Vbin:00ff', 'Str:AP8='],
  [{ type: 'decimal64', value: Buffer.alloc(8, 1) }, 'Decimal64:0101010101010101', 'Str:AQEBAQEBAQE='],
  [{ type: 'decimal', value: '1.50' }, 'Str:1.50'],
  [{ type: 'list', value: [{ type: 'int32', value: 1 }] }, 'Str:[{"int32":1}]'],
  [{ type: 'map', value: [[text('k'), text('v')]] }, 'Str:{"map":[["k","v"]]}'],
]

function asJms(value: Value, jms: Ways['jms']): boolean {
  if (jms !== 'artemis') return jms === 'classic'
  if (value.type === 'char') return value.value.length > 1
  return value.type === 'uint64' ? value.value > 2n ** 63n : unturned.test(value.type)
}

type Checked = SinkExample<Native>

const example = (title: string, message: Partial<Message>, check: (native: Native) => void): Checked => ({
  title,
  message: { body: plain, headers: {}, properties: {}, ...message },
  check,
})

const headerExamples = ({ jms }: Ways): readonly Checked[] =>
  headers.map(([value, wire, inJms]) =>
    example(`a header that is ${inJms ?? wire}`, { headers: { h: value } }, native =>
      assert.equal(native.headers.h, asJms(value, jms) ? (inJms ?? wire) : wire),
    ),
  )

const entries: Body = {
  kind: 'map',
  entries: [
    [text('n'), { type: 'int64', value: 5n }],
    [text('b'), { type: 'bytes', value: Buffer.from([1]) }],
  ],
}
const items: Body = { kind: 'list', items: [{ type: 'int16', value: 5 }, text('x')] }
const object = Buffer.from('aced0005740001', 'hex')

const bodyExamples = ({ text: asText }: Ways): readonly Checked[] => {
  const type = 'x-opt-jms-msg-type'
  const body = (title: string, body: Body, value: string, jmsType: number) =>
    example(title, { body }, native => {
      assert.equal(native.value, value)
      assert.equal(native.annotations[type], `Byte:${jmsType}`)
    })
  return [
    body('text as a string', { kind: 'text', text: 'Grüße 😀' }, 'value Str:Grüße 😀', 5),
    body('no text as an empty string', { kind: 'text', text: '' }, 'value Str:', 5),
    body('bytes as data', { kind: 'bytes', bytes: Buffer.from('text') }, 'data', 3),
    asText
      ? body('a map as JSON', entries, 'value Str:{"n":5,"b":"AQ=="}', 5)
      : body('a map with its types', entries, 'value Map[Str:n Long:5 Str:b Vbin:01]', 2),
    asText
      ? body('a list as JSON', items, 'value Str:[5,"x"]', 5)
      : body('a list with its types', items, 'value List[Short:5 Str:x]', 4),
    body('no body', { kind: 'none' }, 'value Null:null', 0),
    example('a Java object', { body: { kind: 'object', bytes: object } }, native => {
      assert.equal(native.value, 'data')
      assert.deepEqual(native.body, object)
      assert.equal(native.properties.contentType, 'Sym:application/x-java-serialized-object')
    }),
    example('text that is no Unicode as JSON', { body: { kind: 'text', text: 'a\ud800' } }, native =>
      assert.equal(native.value, 'value Str:"a\\ud800"'),
    ),
  ]
}

const properties: Properties = {
  durable: true,
  priority: 7,
  messageId: text('the-id'),
  subject: 'the subject',
  correlationId: { type: 'uuid', value: uuid },
  contentType: 'application/json',
  contentEncoding: 'gzip',
  createdAt: 1_700_000_000_000,
  groupId: 'the-group',
  groupSequence: 9,
  appId: 'the-app',
  trail: 'bridge/route',
}

const propertyExamples = ({ jms }: Ways): readonly Checked[] => [
  example('all properties', { properties }, native => {
    assert.deepEqual(native.header.slice(0, 2), ['True:true', 'Ubyte:7'])
    const { subject, correlationId, contentType, contentEncoding } = native.properties
    assert.deepEqual(
      [subject, correlationId, contentType, contentEncoding],
      ['Str:the subject', `Uuid:${uuid.replaceAll('-', '')}`, 'Sym:application/json', 'Sym:gzip'],
    )
    const { createdAt, groupId, groupSequence } = native.properties
    assert.deepEqual(
      [createdAt, groupId, groupSequence],
      ['Timestamp:1700000000000', 'Str:the-group', 'Uint:9'],
    )
    // ActiveMQ Classic gets no id that it would not give itself.
    assert.equal(native.properties.messageId === 'Str:the-id', jms !== 'classic')
    const hidden = jms === 'classic' ? '"messageId":"the-id",' : ''
    assert.equal(native.headers.sluice_properties, `Str:{${hidden}"appId":"the-app","trail":"bridge/route"}`)
  }),
  example('durable where nothing is said', {}, native => assert.equal(native.header[0], 'True:true')),
  example(
    'what remains to live, counted when it is sent',
    { properties: { expiresAt: Date.now() + 3_600_000 } },
    native => {
      const ttl = Number(native.header[2]!.replace('Uint:', ''))
      assert.ok(ttl > 3_000_000 && ttl <= 3_600_000, `${ttl}`)
    },
  ),
  example(
    'ids of types that AMQP has no ids of',
    { properties: { messageId: { type: 'int32', value: 5 } } },
    native => assert.equal(native.headers.sluice_properties, 'Str:{"messageId":{"int32":5}}'),
  ),
]

export const sinkExamples = (ways: Ways): readonly Checked[] => [
  ...headerExamples(ways),
  ...bodyExamples(ways),
  ...propertyExamples(ways),
]
