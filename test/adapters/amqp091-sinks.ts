import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Channel, type ConsumeMessage, connect, type Options } from 'amqplib'
import type { Message } from '../../src/core/message.ts'
import { text, type Value } from '../../src/core/value.ts'
import type { Broker } from '../support/brokers.ts'
import { addressOf } from './amqp091-brokers.ts'
import { Rabbit } from './amqp091-rabbit.ts'
import { Mailbox, type SinkExample, type SinkFixture } from './sink-fixture.ts'

/** What plain amqplib makes of a message. */
export type Native = ConsumeMessage

const none: Omit<Message, 'address'> = { body: { kind: 'none' }, properties: {}, headers: {} }

const header = (title: string, value: Value, expected: unknown): SinkExample<Native> => ({
  title: `${title} as a header`,
  message: { ...none, headers: { h: value } },
  check: ({ properties }) => assert.deepEqual(properties.headers?.h, expected),
})

const body = (title: string, of: Message['body'], expected: string | Uint8Array): SinkExample<Native> => ({
  title: `${title} as a body`,
  message: { ...none, body: of },
  check: ({ content, properties }) => {
    assert.deepEqual(content, Buffer.from(expected))
    assert.equal(properties.contentType, undefined)
  },
})

const property = (
  title: string,
  properties: Message['properties'],
  expected: Partial<Native['properties']>,
): SinkExample<Native> => ({
  title,
  message: { ...none, properties },
  check: native => {
    const there = new Map(Object.entries(native.properties))
    const { headers: own, ...rest } = expected
    for (const [name, value] of Object.entries(rest)) assert.deepEqual(there.get(name), value, name)
    if (own?.sluice_properties === undefined) return
    const carried = JSON.parse(String(native.properties.headers?.sluice_properties))
    assert.deepEqual(carried, { ...own.sluice_properties, body: 'none' })
  },
})

const long = 'x'.repeat(256)

export const sinkExamples: readonly SinkExample<Native>[] = [
  body('text', { kind: 'text', text: 'Grüße 😀' }, 'Grüße 😀'),
  body('bytes', { kind: 'bytes', bytes: Uint8Array.of(0, 255) }, Uint8Array.of(0, 255)),
  body('nothing', { kind: 'none' }, ''),
  body('a list', { kind: 'list', items: [text('a'), { type: 'int8', value: 1 }] }, '["a",1]'),
  body('a map', { kind: 'map', entries: [[text('n'), { type: 'int64', value: 5n }]] }, '{"n":5}'),
  header('a string', text('Grüße 😀\0'), 'Grüße 😀\0'),
  header('a bool', { type: 'bool', value: true }, true),
  header('an int8', { type: 'int8', value: -5 }, -5),
  header('an int32', { type: 'int32', value: 70_000 }, 70_000),
  header('a uint32', { type: 'uint32', value: 4e9 }, 4e9),
  header('an int64', { type: 'int64', value: 5n }, 5),
  header('a float64 that is a whole number', { type: 'float64', value: 5 }, 5),
  header('a float32', { type: 'float32', value: 1.5 }, 1.5),
  header(
    'a timestamp',
    { type: 'timestamp', value: 1_700_000_000_000 },
    { '!': 'timestamp', value: 1_700_000_000 },
  ),
  header('a timestamp with milliseconds', { type: 'timestamp', value: 1_700_000_000_001 }, '1700000000001'),
  header(
    'a decimal',
    { type: 'decimal', value: '12.34' },
    { '!': 'decimal', value: { places: 2, digits: 1234 } },
  ),
  header('a decimal below zero', { type: 'decimal', value: '-12.34' }, '-12.34'),
  header('bytes', { type: 'bytes', value: Uint8Array.of(0, 255) }, Buffer.of(0, 255)),
  header('a null', { type: 'null' }, null),
  header(
    'a uuid',
    { type: 'uuid', value: '0e8f1c5e-0000-4000-8000-000000000000' },
    '0e8f1c5e-0000-4000-8000-000000000000',
  ),
  header('a uint64', { type: 'uint64', value: 2n ** 64n - 1n }, '18446744073709551615'),
  header('no number', { type: 'float64', value: Number.NaN }, 'NaN'),
  header('a list', { type: 'list', value: [text('a'), { type: 'list', value: [{ type: 'null' }] }] }, [
    'a',
    [null],
  ]),
  header(
    'a map that looks like one of the client library',
    {
      type: 'map',
      value: [
        [text('!'), text('int8')],
        [text('value'), text('x')],
      ],
    },
    { '!': 'int8', value: 'x' },
  ),
  header(
    'a map with keys that are no names',
    { type: 'map', value: [[{ type: 'int8', value: 1 }, text('one')]] },
    '{"map":[[{"int8":1},"one"]]}',
  ),
  {
    title: 'header names as they are, and CC and BCC under other names',
    message: { ...none, headers: { 'Straße 😀': text('b'), '': text('n'), CC: text('x'), BCC: text('y') } },
    check: ({ properties: { headers } }) => {
      assert.equal(headers?.['Straße 😀'], 'b')
      assert.equal(headers?.[''], 'n')
      assert.equal(headers?.CC, undefined)
      assert.equal(headers?.sluice_CC, 'x')
      assert.equal(headers?.sluice_BCC, 'y')
    },
  },
  property(
    'every property that has a place',
    {
      messageId: text('m-1'),
      correlationId: text('c-1'),
      replyTo: 'answers',
      contentType: 'application/json',
      contentEncoding: 'gzip',
      subject: 'ORDER',
      appId: 'app',
      priority: 7,
      createdAt: 1_700_000_000_000,
      durable: true,
    },
    {
      messageId: 'm-1',
      correlationId: 'c-1',
      replyTo: 'answers',
      contentType: 'application/json',
      contentEncoding: 'gzip',
      type: 'ORDER',
      appId: 'app',
      priority: 7,
      timestamp: 1_700_000_000,
      deliveryMode: 2,
      headers: { sluice_properties: {} },
    },
  ),
  property('a message that is durable as nobody said otherwise', {}, { deliveryMode: 2 }),
  property('a message that is not durable', { durable: false }, { deliveryMode: 1 }),
  property(
    'a user id beside the message, since the broker takes none but our own',
    { userId: text('alice'), groupId: 'g', groupSequence: 3, trail: 'bridge/route' },
    {
      userId: undefined,
      headers: {
        sluice_properties: { userId: 'alice', groupId: 'g', groupSequence: 3, trail: 'bridge/route' },
      },
    },
  ),
  property(
    'a correlation id that is too long beside the message',
    { correlationId: text(long), replyTo: long },
    {
      correlationId: undefined,
      replyTo: undefined,
      headers: { sluice_properties: { correlationId: long, replyTo: long } },
    },
  ),
  property(
    'ids of other types as text, and their types beside the message',
    {
      correlationId: { type: 'uint64', value: 7n },
      messageId: { type: 'bytes', value: Buffer.from('data') },
    },
    {
      correlationId: '7',
      messageId: 'data',
      headers: { sluice_properties: { correlationId: { uint64: '7' }, messageId: { bytes: 'ZGF0YQ==' } } },
    },
  ),
  property(
    'a creation time to the second, and its milliseconds beside the message',
    { createdAt: 1_700_000_000_123 },
    { timestamp: 1_700_000_000, headers: { sluice_properties: { createdAt: 1_700_000_000_123 } } },
  ),
  {
    title: 'an expiry as the time that is left',
    message: { ...none, properties: { expiresAt: Date.now() + 600_000 } },
    check: ({ properties: { expiration } }) => {
      const left = Number(expiration)
      assert.ok(left > 400_000 && left <= 600_000, `${left} ms`)
    },
  },
  property(
    'an expiry beyond the timers of the broker beside the message',
    { expiresAt: 2e15 },
    { expiration: undefined },
  ),
  property(
    'a reply-to that the broker would take for itself beside the message',
    { replyTo: 'amq.rabbitmq.reply-to' },
    { replyTo: undefined },
  ),
]

export const sinkTitles: readonly string[] = sinkExamples.map(e => e.title)

/** The sink suite's view of RabbitMQ, with queues of this kind, each of which is consumed by plain amqplib. */
export async function rabbitSinkFixture(
  broker: Broker,
  queue: Options.AssertQueue,
): Promise<SinkFixture<Native>> {
  const rabbit = await Rabbit.connect(addressOf(broker), broker)
  const { username, password } = broker
  const reading = await connect({ hostname: broker.host, port: broker.ports.amqp!, username, password })
  const channel = await reading.createChannel()
  await channel.prefetch(2_000)
  const mailboxes = new Map<string, Mailbox<Native>>()
  const target = (via: { host: string; port: number }, sink: object) => ({
    connection: { urls: [`amqp://${via.host}:${via.port}`], username, password },
    sink: { ...sink },
  })
  return {
    address: rabbit.address,
    create: () => rabbit.declare(queue),
    endpoint: (name, via = rabbit.address) => target(via, { queue: name }),
    templated: (via = rabbit.address) => target(via, { queue: '${headers.to}' }),
    addressOf: name => name,
    async read(name, isLast) {
      const mailbox = mailboxes.get(name) ?? (await consume(channel, name))
      mailboxes.set(name, mailbox)
      return mailbox.read(isLast)
    },
    missing: `sluice-there-is-no-such-queue-${randomUUID()}`,
    remove: name => rabbit.remove(name),
    examples: sinkExamples,
    async close() {
      await reading.close()
      await rabbit.close()
    },
  }
}

async function consume(channel: Channel, queue: string): Promise<Mailbox<Native>> {
  const mailbox = new Mailbox<Native>()
  await channel.consume(queue, message => {
    if (!message) return
    channel.ack(message)
    mailbox.put({ body: message.content, native: message })
  })
  return mailbox
}
