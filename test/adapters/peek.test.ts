import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { adapters } from '../../src/adapters/index.ts'
import type { Endpoint, LinkContext } from '../../src/core/adapter.ts'
import type { Message } from '../../src/core/message.ts'
import { type Broker, describeOnBroker } from '../support/brokers.ts'
import { Consumer } from './consumer.ts'

type At = Endpoint<unknown, never>

const never: LinkContext = { signal: new AbortController().signal, report: () => {} }

const adapterOf = (protocol: string) => adapters.find(a => a.protocol === protocol)!

function endOf(
  protocol: string,
  connection: object,
  options: object,
  side: 'source' | 'sink' = 'source',
): At {
  const adapter = adapterOf(protocol)
  return {
    connection: adapter.connection.parse(connection),
    connectionName: 'peek',
    route: 'peek',
    options: adapter[side]!.options.parse(options) as never,
  }
}

const peek = (protocol: string, at: At) => adapterOf(protocol).source!.peek(at, never)

async function send(protocol: string, connection: object, queue: string, body: string): Promise<void> {
  const at = endOf(protocol, connection, { queue }, 'sink')
  const kind = adapterOf(protocol).sink!
  const sink = await kind.open(at, never)
  const message: Message = {
    address: queue,
    body: { kind: 'text', text: body },
    headers: { qty: { type: 'int32', value: 5 } },
    properties: { durable: true },
  }
  await sink.send(kind.prepare(at, sink.limits, message), never.signal)
  await sink.close()
}

function suite(protocol: string, scheme: string) {
  return ({ host, ports, username, password }: Broker) => {
    const connection = { urls: [`${scheme}://${host}:${ports[scheme]}`], username, password }
    const unique = () => `peek-${protocol}-${randomUUID()}`

    test('shows the first message, which stays as it was, twice', async t => {
      const queue = unique()
      await send(protocol, connection, queue, 'one')
      await send(protocol, connection, queue, 'two')
      const at = endOf(protocol, connection, { queue })
      for (const _ of [1, 2]) {
        const message = await peek(protocol, at)
        assert.deepEqual(message?.body, { kind: 'text', text: 'one' })
        assert.deepEqual(message.headers.qty, { type: 'int32', value: 5 })
        assert.equal(message.address, queue)
      }
      const consumer = (await Consumer.open(adapterOf(protocol) as never, at as never)).closeAfter(t)
      const deliveries = await consumer.take(2)
      assert.deepEqual(
        deliveries.map(({ message: { body }, deliveryCount = 0 }) => [
          body.kind === 'text' && body.text,
          deliveryCount,
        ]),
        [
          ['one', 0],
          ['two', 0],
        ],
      )
    })

    test('says that there is none', async () => {
      assert.equal(await peek(protocol, endOf(protocol, connection, { queue: unique() })), undefined)
    })

    test('disturbs no exclusive consumer, and no topic can be looked at', async t => {
      const queue = unique()
      const at = endOf(protocol, connection, { queue, exclusive: true })
      const consumer = (await Consumer.open(adapterOf(protocol) as never, at as never)).closeAfter(t)
      await send(protocol, connection, queue, 'one')
      assert.deepEqual((await peek(protocol, at))?.body, { kind: 'text', text: 'one' })
      await consumer.take(1)
      await assert.rejects(peek(protocol, endOf(protocol, connection, { topic: unique() })), /only a queue/)
    })
  }
}

await describeOnBroker('activemq', 'looking at amqp10', suite('amqp10', 'amqp'))
await describeOnBroker('artemis', 'looking at amqp10', suite('amqp10', 'amqp'))
await describeOnBroker('activemq', 'looking at stomp', suite('stomp', 'stomp'))

await describeOnBroker('rabbitmq4', 'looking at amqp10', ({ host, ports, username, password }) => {
  test('is refused, and takes nothing', async () => {
    const connection = { urls: [`amqp://${host}:${ports.amqp}`], username, password }
    const at = endOf('amqp10', connection, { queue: 'peek' })
    await assert.rejects(peek('amqp10', at), /RabbitMQ 4 cannot show a message over AMQP 1.0/)
  })
})

describe('looking at a source', () => {
  const refusals: readonly [string, object, object, RegExp][] = [
    ['amqp091', { urls: ['amqp://no.invalid'], username: 'u', password: 'p' }, { queue: 'q' }, /redelivered/],
    ['mqtt', { urls: ['mqtt://no.invalid'] }, { topic: 't' }, /no queue to look at/],
    ['sqs', {}, { queue: 'q' }, /hides it from consumers/],
  ]
  for (const [protocol, connection, options, reason] of refusals) {
    test(`is refused with the reason where it would take the message: ${protocol}`, async () => {
      await assert.rejects(peek(protocol, endOf(protocol, connection, options)), reason)
    })
  }
})
