import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { adapters } from '../../src/adapters/index.ts'
import type { Endpoint, Shown } from '../../src/core/adapter.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import { anyMessage } from '../support/any-message.ts'

const now = Date.parse('2026-01-01T00:00:00Z')

const connections: Readonly<Record<string, object>> = {
  amqp10: { urls: ['amqp://here'] },
  amqp091: { urls: ['amqp://here'], username: 'u', password: 'p' },
  mqtt: { urls: ['mqtt://here'], version: 5 },
  stomp: { urls: ['stomp://here'], broker: 'rabbitmq' },
}

function endOf(protocol: string, options: object, connection = connections[protocol] ?? {}) {
  const adapter = adapters.find(a => a.protocol === protocol)!
  const at: Endpoint<unknown, unknown> = {
    connection: adapter.connection.parse(connection),
    connectionName: 'c',
    route: 'r',
    options: adapter.sink!.options.parse(options),
  }
  return { sink: adapter.sink!, at }
}

/** `section/name type=value` of each field, after address and body. */
function shown(protocol: string, options: object, more: Partial<Message>): readonly string[] {
  const { sink, at } = endOf(protocol, options)
  const message = { address: 'ORDERS', body: text5, headers: {}, properties: {}, ...more } as Message
  return lines(sink.show(at, sink.prepare(at, sink.usualLimits(at), message)))
}

const lines = ({ address, body, fields }: Shown): readonly string[] => [
  address,
  typeof body === 'string' ? body : `<${Buffer.from(body)}>`,
  ...fields.map(
    ({ section, name, type, value }) =>
      `${section === undefined ? '' : `${section}/`}${name}${type === undefined ? '' : ` ${type}`}=${value}`,
  ),
]

const text5 = { kind: 'text', text: 'hello' } as const
const headers = {
  qty: { type: 'int32', value: 5 },
  big: { type: 'int64', value: 9_007_199_254_740_993n },
  name: text('é: a\nb'),
  raw: { type: 'bytes', value: Uint8Array.of(0, 255) },
} as const
const properties = {
  groupId: 'g 1',
  deduplicationId: 'd',
  correlationId: text('c'),
  contentType: 'text/plain',
  expiresAt: now + 60_000,
} as const
const map: Message['body'] = {
  kind: 'map',
  entries: [
    [text('n'), { type: 'int16', value: 7 }],
    [text('when'), { type: 'timestamp', value: now }],
  ],
}

/** AMQP has times of 64 bits, past those of JavaScript, and mappings can make others. */
const oddTimes = [
  2 ** 63,
  -(2 ** 63),
  2 ** 53 + 2,
  8.64e15 + 1,
  1e300,
  1.5,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
]

const fixed = (t: TestContext) => t.mock.timers.enable({ apis: ['Date'], now })

describe('a prepared message in the words of its protocol', () => {
  it('is an entry of SendMessageBatch for SQS', () => {
    assert.deepEqual(shown('sqs', { queue: 'orders.fifo' }, { headers, properties }), [
      'orders.fifo',
      'hello',
      'MessageGroupId=g%201',
      'MessageDeduplicationId=d',
      'MessageAttributes/qty Number.int=5',
      'MessageAttributes/big Number.long=9007199254740993',
      'MessageAttributes/name String=é: a\nb',
      'MessageAttributes/raw Binary=AP8=',
      'MessageAttributes/sluice_properties String={"groupId":"g 1","correlationId":"c","contentType":"text/plain","expiresAt":1767225660000}',
    ])
    assert.deepEqual(shown('sqs', { queue: 'q' }, { properties: { delay: 1500 } }), [
      'q',
      'hello',
      'DelaySeconds=2',
    ])
  })

  it('is an entry of PublishBatch for SNS', () => {
    const topic = 'arn:aws:sns:eu-west-1:000000000000:t'
    assert.deepEqual(shown('sns', { topic, subject: true }, { properties: { subject: 'Alarm' } }), [
      topic,
      'hello',
      'Subject=Alarm',
      'MessageAttributes/sluice_properties String={"subject":"Alarm"}',
    ])
  })

  it('is sections with the types of AMQP 1.0', t => {
    fixed(t)
    assert.deepEqual(shown('amqp10', { queue: 'q' }, { headers, properties, body: map }), [
      'q',
      '{"n":7,"when":"2026-01-01T00:00:00.000Z"}',
      'header/durable boolean=true',
      'header/ttl uint=60000',
      'message-annotations/x-opt-jms-msg-type byte=5',
      'message-annotations/x-opt-jms-dest byte=0',
      'properties/to string=q',
      'properties/correlation-id string=c',
      'properties/content-type symbol=text/plain',
      'properties/absolute-expiry-time timestamp=2026-01-01T00:01:00.000Z',
      'properties/group-id string=g 1',
      'application-properties/qty int=5',
      'application-properties/big long=9007199254740993',
      'application-properties/name string=é: a\nb',
      'application-properties/raw binary=AP8=',
      'application-properties/sluice_properties string={"body":"map","types":{"n":"int16","when":"timestamp"}}',
      'body-section=amqp-value string',
    ])
    const entries = [[text('n'), { type: 'int32', value: 7 }] as const]
    assert.deepEqual(shown('amqp10', { queue: 'q' }, { body: { kind: 'map', entries } }).slice(-3), [
      'properties/to string=q',
      'body-section=amqp-value map',
      'body/n int=7',
    ])
    const atMost = (expiresAt: number) => shown('amqp10', { queue: 'q' }, { properties: { expiresAt } })
    assert.ok(atMost(now + 0xffff_ffff).includes('header/ttl uint=4294967295'))
    const later = atMost(Date.UTC(9999, 11, 31)) // 49 days instead would be the end of it
    assert.deepEqual(
      later.filter(line => /ttl|expiry/.test(line)),
      ['properties/absolute-expiry-time timestamp=9999-12-31T00:00:00.000Z'],
    )
  })

  it('is properties and a typed table for AMQP 0-9-1', t => {
    fixed(t)
    const to = { exchange: 'shop', routing_key: 'orders' }
    const more = { address: 'shop\0orders', headers, properties: { ...properties, priority: 3 } }
    assert.deepEqual(shown('amqp091', to, more), [
      'shop/orders',
      '<hello>',
      'exchange=shop',
      'routing-key=orders',
      'properties/content-type short-string=text/plain',
      'properties/delivery-mode octet=2',
      'properties/priority octet=3',
      'properties/correlation-id short-string=c',
      'properties/expiration short-string=60000',
      'headers/qty long-int=5',
      'headers/big long-long-int=9007199254740993',
      'headers/name long-string=é: a\nb',
      'headers/raw byte-array=AP8=',
      'headers/sluice_properties long-string={"groupId":"g 1","expiresAt":1767225660000,"body":"text"}',
    ])
  })

  it('is flags and properties for MQTT 5, and flags alone before it', t => {
    fixed(t)
    const more = { address: 'plant/1', headers, properties }
    assert.deepEqual(shown('mqtt', { topic: 'plant/1', qos: 1, retain: true }, more), [
      'plant/1',
      '<hello>',
      'qos=1',
      'retain=true',
      'properties/message-expiry-interval=60',
      'properties/payload-format-indicator=1',
      'properties/content-type=text/plain',
      'properties/correlation-data binary=Yw==',
      'user-properties/qty=5',
      'user-properties/big=9007199254740993',
      'user-properties/name="é: a\\nb"',
      'user-properties/raw=AP8=',
      'user-properties/sluice_properties={"groupId":"g 1","correlationId":"c","expiresAt":1767225660000,"headers":{"qty":"int32","big":"int64","name":"json","raw":"bytes"}}',
    ])
    const { sink, at } = endOf('mqtt', { topic: 'plant/1', qos: 0 }, { urls: ['mqtt://here'] })
    const prepared = sink.prepare(at, sink.usualLimits(at), { body: text5, ...more })
    assert.deepEqual(lines(sink.show(at, prepared)), ['plant/1', '<hello>', 'qos=0', 'retain=false'])
  })

  it('is the headers of a SEND frame for STOMP', t => {
    fixed(t)
    assert.deepEqual(shown('stomp', { queue: 'q' }, { headers, properties, address: 'q' }), [
      '/amq/queue/q',
      '<hello>',
      'content-length=5',
      'persistent=true',
      'correlation-id=c',
      'content-type=text/plain',
      'JMSXGroupID=g 1',
      'qty=5',
      'big=9007199254740993',
      'name=é: a\nb',
      'raw=AP8=',
      'sluice_properties={"expiresAt":1767225660000,"body":"text","headers":{"qty":"int32","big":"int64","raw":"bytes"}}',
      'expiration=60000',
    ])
  })

  it('is the message itself in memory, and content alone in a folder', () => {
    assert.deepEqual(shown('memory', { queue: 'q' }, { headers, properties: { priority: 4 }, body: map }), [
      'q',
      '{"n":7,"when":"2026-01-01T00:00:00.000Z"}',
      'properties/priority=4',
      'headers/qty int32=5',
      'headers/big int64=9007199254740993',
      'headers/name string=é: a\nb',
      'headers/raw bytes=AP8=',
      'body/n int16=7',
      'body/when timestamp=2026-01-01T00:00:00.000Z',
    ])
    assert.deepEqual(shown('folder', { path: '/dead' }, {}), ['/dead', '<hello>'])
  })

  const ends: readonly [string, object][] = [
    ['sqs', { queue: 'q.fifo' }],
    ['sqs', { queue: 'q', format: 'jms' }],
    ['s3', { bucket: 'bucket' }],
    ['sns', { topic: 'arn:aws:sns:eu-west-1:000000000000:t' }],
    ['amqp10', { queue: 'q' }],
    ['amqp091', { queue: 'q' }],
    ['mqtt', { topic: 'q' }],
    ['stomp', { queue: 'q' }],
    ['memory', { queue: 'q' }],
    ['folder', { path: '/dead' }],
  ]
  for (const [protocol, options] of ends) {
    const { sink, at } = endOf(protocol, options)
    const showAny = (message: Message): void => {
      let prepared: ReturnType<typeof sink.prepare>
      try {
        prepared = sink.prepare(at, sink.usualLimits(at), { ...message, address: 'q' })
      } catch (error) {
        assert.ok(error instanceof MessageRefused, String(error))
        return
      }
      for (const { name, value } of sink.show(at, prepared).fields) {
        assert.deepEqual([typeof name, typeof value], ['string', 'string'])
      }
    }

    it(`can be shown whatever it is: ${protocol} ${JSON.stringify(options)}`, () => {
      fc.assert(fc.property(anyMessage, showAny))
    })

    it(`can be shown with times that nobody can have: ${protocol} ${JSON.stringify(options)}`, () => {
      for (const time of oddTimes) {
        const value = { type: 'timestamp', value: time } as const
        const parts: readonly Partial<Message>[] = [
          { properties: { createdAt: time } },
          { properties: { expiresAt: time } },
          { headers: { at: value } },
          { body: { kind: 'map', entries: [[text('at'), value]] } },
        ]
        for (const part of parts) {
          showAny({ address: 'q', body: text5, headers: {}, properties: {}, ...part })
        }
      }
    })
  }
})
