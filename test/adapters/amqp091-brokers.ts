import type { Options } from 'amqplib'
import type { Headers } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import type { Broker } from '../support/brokers.ts'
import { numbered, Rabbit } from './amqp091-rabbit.ts'
import type { Example, SourceFixture, TcpAddress } from './fixture.ts'

export const addressOf = ({ host, ports }: Broker): TcpAddress => ({ host, port: ports.amqp! })

interface Sample extends Pick<Example, 'title' | 'expected'> {
  readonly options: Options.Publish
}

const header = (title: string, wire: unknown, value: Headers[string]): Sample => ({
  title: `${title} as a header`,
  options: { headers: { h: wire } },
  expected: { headers: { h: value } },
})

const samples: readonly Sample[] = [
  header('an int8', { '!': 'int8', value: -5 }, { type: 'int8', value: -5 }),
  header('a uint8', { '!': 'uint8', value: 200 }, { type: 'uint8', value: 200 }),
  header('an int16', { '!': 'int16', value: -500 }, { type: 'int16', value: -500 }),
  header('a uint16', { '!': 'uint16', value: 60_000 }, { type: 'uint16', value: 60_000 }),
  header('an int32', { '!': 'int32', value: 5 }, { type: 'int32', value: 5 }),
  header('a uint32', { '!': 'uint32', value: 4e9 }, { type: 'uint32', value: 4e9 }),
  header('an int64 that would fit in less', { '!': 'int64', value: 5 }, { type: 'int64', value: 5n }),
  header(
    'an int64 beyond 2^53',
    { '!': 'int64', value: 2n ** 53n + 1n },
    { type: 'int64', value: 2n ** 53n + 1n },
  ),
  header('a float32', { '!': 'float', value: 1.5 }, { type: 'float32', value: 1.5 }),
  header('a float64 that is a whole number', { '!': 'double', value: 5 }, { type: 'float64', value: 5 }),
  header(
    'a timestamp',
    { '!': 'timestamp', value: 1_700_000_000 },
    { type: 'timestamp', value: 1_700_000_000_000 },
  ),
  header(
    'a decimal',
    { '!': 'decimal', value: { places: 2, digits: 1234 } },
    { type: 'decimal', value: '12.34' },
  ),
  header('a boolean', true, { type: 'bool', value: true }),
  header('a string', 'Grüße 😀\n\0', text('Grüße 😀\n\0')),
  header('bytes', Buffer.of(0, 255), { type: 'bytes', value: Uint8Array.of(0, 255) }),
  header('a null', null, { type: 'null' }),
  header('a list', [true, 'x', null], {
    type: 'list',
    value: [{ type: 'bool', value: true }, text('x'), { type: 'null' }],
  }),
  header(
    'a table',
    { inner: { deep: { '!': 'short', value: 7 } } },
    {
      type: 'map',
      value: [[text('inner'), { type: 'map', value: [[text('deep'), { type: 'int16', value: 7 }]] }]],
    },
  ),
  {
    title: 'header names as they are',
    options: { headers: { 'x-custom': 'a', 'Straße 😀': 'b', '__proto__ ': 'c', 'with.dot': 'd' } },
    expected: {
      headers: {
        'x-custom': text('a'),
        'Straße 😀': text('b'),
        '__proto__ ': text('c'),
        'with.dot': text('d'),
      },
    },
  },
  {
    title: 'thirty headers',
    options: { headers: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`h${i}`, `${i}`])) },
    expected: { headers: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`h${i}`, text(`${i}`)])) },
  },
  {
    title: 'every property',
    options: {
      contentType: 'application/json',
      contentEncoding: 'gzip',
      priority: 7,
      correlationId: 'c-1',
      replyTo: 'answers',
      messageId: 'm-1',
      timestamp: 1_700_000_000,
      type: 'ORDER',
      appId: 'app',
    },
    expected: {
      properties: {
        contentType: 'application/json',
        contentEncoding: 'gzip',
        durable: true,
        priority: 7,
        correlationId: text('c-1'),
        replyTo: 'answers',
        messageId: text('m-1'),
        createdAt: 1_700_000_000_000,
        subject: 'ORDER',
        appId: 'app',
      },
      annotations: { exchange: text(''), redelivered: { type: 'bool', value: false } },
    },
  },
  {
    title: 'a message that does not survive a restart',
    options: { persistent: false },
    expected: { properties: { durable: false } },
  },
]

export const titles: readonly string[] = samples.map(s => s.title)

/** The source suite's view of RabbitMQ, with queues of this kind. */
export async function rabbitFixture(broker: Broker, queue: Options.AssertQueue): Promise<SourceFixture> {
  const rabbit = await Rabbit.connect(addressOf(broker), broker)
  const { username, password } = broker
  return {
    address: rabbit.address,
    create: () => rabbit.declare(queue),
    endpoint: (name, via = rabbit.address) => ({
      connection: { urls: [`amqp://${via.host}:${via.port}`], username, password },
      source: { queue: name },
    }),
    produce: (name, bodies) => rabbit.produce(name, bodies),
    left: name => rabbit.ready(name),
    detach: name => rabbit.remove(name),
    examples: samples.map(({ title, options, expected }) => ({
      title,
      expected,
      send: (name: string) => rabbit.produce(name, numbered(1), options),
    })),
    close: () => rabbit.close(),
  }
}
