import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import type { Broker } from '../support/brokers.ts'
import type { TcpAddress } from './fixture.ts'
import type { SinkExample, SinkFixture } from './sink-fixture.ts'
import { stompFixture } from './stomp-brokers.ts'
import { StompClient } from './stomp-client.ts'
import { type StompMessage, StompReader } from './stomp-reader.ts'

/** A message and what a native STOMP client must read: its body, and headers among others. */
interface Sample {
  readonly title: string
  readonly message: Partial<Omit<Message, 'address'>>
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

const samples: readonly Sample[] = [
  {
    title: 'text with emoji as text',
    message: { body: { kind: 'text', text: 'Gr\u00fc\u00dfe \u{1f600}' } },
    body: 'Gr\u00fc\u00dfe \u{1f600}',
    headers: { persistent: 'true' },
  },
  {
    title: 'headers that need escaping, and numbers and booleans as text',
    message: {
      headers: {
        path: text('C:\\new\r\n'),
        'na:me': text(' a b '),
        count: { type: 'int32', value: 5 },
        big: { type: 'int64', value: 9_007_199_254_740_993n },
        ratio: { type: 'float64', value: 0.1 },
        ok: { type: 'bool', value: true },
      },
    },
    body: '',
    headers: {
      path: 'C:\\new\r\n',
      'na:me': ' a b ',
      count: '5',
      big: '9007199254740993',
      ratio: '0.1',
      ok: 'true',
    },
  },
  {
    title: 'a map and a list as plain JSON',
    message: {
      body: {
        kind: 'map',
        entries: [
          [text('n'), { type: 'int32', value: 5 }],
          [text('l'), { type: 'list', value: [text('x'), { type: 'bool', value: true }] }],
        ],
      },
    },
    body: '{"n":5,"l":["x",true]}',
    headers: {},
  },
  {
    title: 'properties in their places',
    message: {
      properties: {
        correlationId: text('c-1'),
        contentType: 'text/plain',
        subject: 'order',
        priority: 7,
        replyTo: '/topic/answers',
      },
    },
    body: '',
    headers: {
      'correlation-id': 'c-1',
      'content-type': 'text/plain',
      type: 'order',
      priority: '7',
      'reply-to': '/topic/answers',
    },
  },
  {
    title: "headers with STOMP's own names without harm",
    message: {
      headers: {
        destination: text('/queue/elsewhere'),
        receipt: text('1'),
        'content-length': text('1'),
        transaction: text('t'),
        'message-id': text('m'),
        JMSXGroupID: text('g'),
        CC: text('x'),
      },
    },
    body: '',
    headers: { sluice_header_destination: '/queue/elsewhere', sluice_header_transaction: 't' },
  },
]

export const sinkTitles: readonly string[] = samples.map(s => s.title)

/** What it takes to subscribe to a queue. */
export function subscription(broker: Broker, queue: string): readonly string[] {
  if (broker.name === 'artemis') return [`destination:${queue}`, 'subscription-type:ANYCAST']
  return [`destination:${broker.name === 'activemq' ? '/queue/' : '/amq/queue/'}${queue}`]
}

/** Where a temporary queue of ActiveMQ was that is gone. */
const goneReply = '/remote-temp-queue/ID:gone-1234-5678-1:1:1'

/** Artemis makes what is missing: a place that nobody may make or send to. */
async function forbid(address: TcpAddress, broker: Broker, name: string): Promise<void> {
  const client = await StompClient.open(address, broker)
  const roles = Array.from({ length: 10 }, () => 'nobody')
  await client.send('activemq.management', JSON.stringify([name, ...roles]), [
    '_AMQ_ResourceName:broker',
    '_AMQ_OperationName:addSecuritySettings',
  ])
  await client.close()
}

/** The sink suite's view of one broker. */
export async function stompSinkFixture(broker: Broker): Promise<SinkFixture<StompMessage>> {
  const sources = await stompFixture(broker)
  const reader = await StompReader.open(sources.address, broker)
  const isRabbit = broker.name.startsWith('rabbit')
  const isActive = broker.name === 'activemq'
  const missing = isActive ? goneReply : `stomp-missing-${randomUUID()}`
  if (broker.name === 'artemis') await forbid(sources.address, broker, missing)
  return {
    address: sources.address,
    create: () => sources.create(),
    endpoint: (name, via) => ({
      connection: sources.endpoint(name, via).connection,
      sink: { queue: name },
    }),
    templated: via => ({
      connection: sources.endpoint('', via).connection,
      // A template as a route has it for replies where the broker has temporary queues that can be missing.
      sink: isActive ? { address: '${address}' } : { queue: '${name}' },
    }),
    addressOf: name => (isActive && !name.startsWith('/') ? `/queue/${name}` : name),
    read: (name, isLast) => reader.read(subscription(broker, name), isLast),
    missing,
    ...(isRabbit && { remove: sources.detach! }),
    examples: samples.map(({ title, message, body, headers }): SinkExample<StompMessage> => {
      return {
        title,
        message: { body: { kind: 'none' }, headers: {}, properties: {}, ...message },
        check(native) {
          assert.equal(native.body.toString(), body)
          const came = Object.fromEntries(Object.keys(headers).map(name => [name, native.headers.get(name)]))
          assert.deepEqual(came, headers)
        },
      }
    }),
    async close() {
      reader.close()
      await sources.close()
    },
  }
}
