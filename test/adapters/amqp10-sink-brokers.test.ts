import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { within } from '../../src/adapters/shared/within.ts'
import { stomp } from '../../src/adapters/stomp/index.ts'
import { LinkLost, MessageRefused, SinkUnavailable, sentence } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { anyMessage } from '../support/any-message.ts'
import { type Broker, type BrokerName, describeOnBroker } from '../support/brokers.ts'
import { seed } from '../support/seed.ts'
import { until } from '../support/until.ts'
import { activemq, artemis, rabbitmq } from './amqp10-brokers.ts'
import type { Amqp10Broker } from './amqp10-client.ts'
import { Ends } from './amqp10-sink-ends.ts'
import { Consumer, parse } from './consumer.ts'
import { plain, says } from './promises/expect.ts'

const text = (value: string) => ({ type: 'string', value }) as const

/** As the route makes them: priorities and times that a broker can have, ids of any type. */
const sendable = anyMessage.map((message): Message => {
  const { deduplicationId: _, ...properties } = message.properties
  const { annotations: __, ...rest } = message
  return {
    ...rest,
    headers: Object.fromEntries(
      Object.entries(message.headers).filter(([name]) => name !== '' && name.isWellFormed()),
    ),
    properties: {
      durable: true,
      priority: 4,
      ...properties,
      expiresAt: Date.now() + 3_600_000,
      trail: 'a/b',
    },
  }
})

/** What makes a broker close the connection where it comes as it is. */
const nested: readonly Message[] = [
  { type: 'list', value: [{ type: 'bytes', value: Buffer.from([0, 255]) }] } as const,
  { type: 'map', value: [[text('inner'), { type: 'bytes', value: Buffer.from([0]) }]] } as const,
].map(value => ({
  address: 'in',
  body: { kind: 'map', entries: [[text('key'), value]] },
  properties: {},
  headers: {},
}))

/** What only looks like a serialised Java object. */
const bytesOfJava: Message = {
  address: 'in',
  body: { kind: 'bytes', bytes: Buffer.from('x') },
  properties: { contentType: 'application/x-java-serialized-object', trail: 'a/b' },
  headers: {},
}

/** JMS keeps no order in a map. */
function sorted(value: unknown): unknown {
  if (Buffer.isBuffer(value) || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  const entries = Object.entries(value).map(([key, inner]) => [key, sorted(inner)] as const)
  const { type, kind, value: pairs, entries: whole } = Object.fromEntries(entries)
  for (const map of [type === 'map' && pairs, kind === 'map' && whole]) {
    if (Array.isArray(map)) map.sort(([a], [b]) => (inspect(a) < inspect(b) ? -1 : 1))
  }
  return Object.fromEntries(entries)
}

const brokers: readonly (readonly [BrokerName, (broker: Broker) => Promise<Amqp10Broker>, port?: string])[] =
  [
    ['activemq', activemq],
    ['activemq', activemq, 'amqpJms'],
    ['artemis', artemis],
    ['rabbitmq4', broker => rabbitmq(broker, name => `/queues/${name}`)],
    ['rabbitmq3', broker => rabbitmq(broker, name => `/amq/queue/${name}`)],
  ]

for (const [name, open, port] of brokers) {
  await describeOnBroker(name, `amqp10 and back by ${port ?? 'amqp'}`, running => {
    const inOrder = port === undefined ? plain : (value: unknown) => sorted(plain(value))
    const skip = port !== undefined && !running.ports[port] && `the broker has no port ${port}`
    test('any message that was sent comes back as it was', { timeout: 60_000, skip }, async t => {
      const broker = await open(running)
      t.after(() => broker.close())
      const queue = await broker.create()
      const ends = new Ends(t, broker)
      const to =
        port === undefined
          ? broker
          : { ...broker, address: { ...broker.address, port: running.ports[port]! } }
      const sink = await new Ends(t, to).sink({ queue })
      const source = await ends.source({ queue })
      const there = fc.asyncProperty(sendable, async message => {
        await sink.send(message)
        const [delivery] = (await source.take(1)).slice(-1)
        await delivery!.settle('accepted')
        const { body, headers, properties } = delivery!.message
        assert.equal(delivery!.fault, undefined)
        assert.deepEqual(inOrder(body), inOrder(message.body))
        assert.deepEqual(plain(headers), plain(message.headers))
        const whole = { priority: 4, ...properties } // ActiveMQ leaves it out where it is what it is anyway
        for (const [name, value] of Object.entries(message.properties)) {
          assert.deepEqual(plain(whole[name as keyof typeof whole]), plain(value), name)
        }
      })
      await fc.assert(there, {
        numRuns: 150,
        seed,
        endOnFailure: true,
        examples: [...nested, bytesOfJava].map(message => [message]),
      })
    })

    test('headers that the broker would take for its own are what they were', { skip }, async t => {
      const broker = await open(running)
      t.after(() => broker.close())
      const queue = await broker.create()
      const ends = new Ends(t, broker)
      const sink = await ends.sink({ queue })
      const long = (value: bigint) => ({ type: 'int64', value }) as const
      const headers = {
        JMS_AMQP_NATIVE: { type: 'uint64', value: 6n } as const,
        JMS_AMQP_HEADER: text('x'),
        AMQ_SCHEDULED_DELAY: long(868_908_765n),
        AMQ_SCHEDULED_REPEAT: long(3n),
        JMSXGroupID: text('g'),
        JMSXDeliveryCount: long(7n),
        JMSPriority: { type: 'int32', value: 2 } as const,
        JMSReplyTo: text('nobody'),
        _AMQ_SCHED_DELIVERY: long(9_000_000_000_000n),
        _AMQ_DUPL_ID: long(5n),
        __HDR_MESSAGE_ID: text('ID:other'),
        sluice_header_a: text('b'),
      }
      await sink.send({ headers, properties: { trail: 'a/b' } })
      const [delivery] = await (await ends.source({ queue })).take(1)
      assert.deepEqual(plain(delivery!.message.headers), plain(headers))
      assert.equal(delivery!.message.properties.groupId, undefined)
    })

    test('a header that would be taken for our own is refused, and not left out', { skip }, async t => {
      const broker = await open(running)
      t.after(() => broker.close())
      const sink = await new Ends(t, broker).sink({ queue: await broker.create() })
      const headers = { sluice_properties: text('of somebody else') }
      await assert.rejects(async () => sink.send({ headers }), says(/sluice_properties would be taken for/))
    })

    test('names of places may have any character that the broker takes', { skip }, async t => {
      const broker = await open(running)
      t.after(() => broker.close())
      for (const odd of ['a b', 'a%b', 'a/b', 'a:b', ...(name === 'rabbitmq3' ? [] : ['ü😀'])]) {
        const queue = await broker.create(odd)
        const ends = new Ends(t, broker)
        for (const options of [{ queue }, { queue: '${headers.place}' }]) {
          const sink = await ends.sink(options)
          await sink.send({ address: queue, body: { kind: 'text', text: odd } })
        }
        const source = await ends.source({ queue })
        for (const { message } of await source.take(2)) {
          assert.deepEqual(message.body, { kind: 'text', text: odd })
        }
      }
    })
  })
}

const unique = () => `amqp10-${randomUUID()}`

await describeOnBroker('artemis', 'amqp10 sink in its own ways', running => {
  const opened = async (t: ConstructorParameters<typeof Ends>[0]) => {
    const broker = await artemis(running)
    t.after(() => broker.close())
    return new Ends(t, broker)
  }

  test('the same delivery sent twice is there once, and a second one of the same content as well', async t => {
    const ends = await opened(t)
    const queue = unique()
    const sink = await ends.sink({ queue })
    for (const id of ['one', 'one', 'two']) await sink.send({ properties: { deduplicationId: id } })
    const source = await ends.source({ queue })
    source.grant(3)
    await sink.send({ body: { kind: 'text', text: 'the last' } })
    const deliveries = await source.came(3)
    assert.deepEqual(deliveries.at(-1)!.message.body, { kind: 'text', text: 'the last' })
    for (const { message } of deliveries) assert.deepEqual(message.headers, {})
  })

  test('an id that the application gave for this is left to it', async t => {
    const ends = await opened(t)
    const queue = unique()
    const headers = { _AMQ_DUPL_ID: text('mine') }
    await (await ends.sink({ queue })).send({ headers, properties: { deduplicationId: 'ours' } })
    const [delivery] = await (await ends.source({ queue })).take(1)
    assert.deepEqual(delivery!.message.headers, headers)
  })

  test('a delayed message comes when its time is over', async t => {
    const ends = await opened(t)
    const queue = unique()
    const began = Date.now()
    await (await ends.sink({ queue })).send({ properties: { delay: 700 } })
    await (await ends.source({ queue })).take(1)
    assert.ok(Date.now() - began >= 690, `${Date.now() - began} ms`)
  })

  test('an address for answers is bare, with its kind beside it, and comes back as it was', async t => {
    const ends = await opened(t)
    const queue = unique()
    const sink = await ends.sink({ queue })
    const written = ['queue://ANSWERS', 'topic://ANSWERS', 'ANSWERS']
    for (const replyTo of written) await sink.send({ properties: { replyTo } })
    const deliveries = await (await ends.source({ queue })).take(3)
    assert.deepEqual(
      deliveries.map(d => d.message.properties.replyTo),
      written,
    )
    assert.deepEqual(
      deliveries.map(d => plain(d.message.annotations!['x-opt-jms-reply-to'])),
      [0, 1, 0].map(value => ({ type: 'int8', value })),
    )
  })

  test('answers go by the address of a temporary queue that the requester gave', async t => {
    const ends = await opened(t)
    await answers(ends, 'temporary-queue')
  })
})

await describeOnBroker('activemq', 'amqp10 sink in its own ways', running => {
  test('answers go by the address of a temporary queue that the requester gave', async t => {
    const broker = await activemq(running)
    t.after(() => broker.close())
    await answers(new Ends(t, broker), 'temp-queue')
  })

  test('an answer to a requester that is gone is refused, and its neighbours arrive', async t => {
    const broker = await activemq(running)
    t.after(() => broker.close())
    const ends = new Ends(t, broker)
    const requester = await ends.requester('temp-queue')
    const gone = requester.address
    await requester.close()
    const queue = unique()
    const sink = await ends.sink({ address: '${address}' })
    const sent = [`queue://${queue}`, gone, `queue://${queue}`].map(address => sink.send({ address }))
    const [first, refused, last] = await Promise.allSettled(sent)
    assert.deepEqual([first!.status, last!.status], ['fulfilled', 'fulfilled'])
    assert.ok(refused?.status === 'rejected' && refused.reason instanceof MessageRefused)
    assert.equal(
      sentence(refused.reason),
      `ActiveMQ rejected the message for ${gone}: this temporary queue is gone, for instance because the requester that made it has left`,
    )
    await (await ends.source({ queue })).take(2)
  })

  test('a STOMP client can acknowledge a message with an id of another make', async t => {
    const broker = await activemq(running)
    t.after(() => broker.close())
    const queue = unique()
    const sink = await new Ends(t, broker).sink({ queue })
    for (const id of ['the-id', 'ID:other-1', 'ID:host-1-2-3:1:1:1:1']) {
      await sink.send({ properties: { messageId: text(id) } })
    }
    const { host, ports, username, password } = running
    const raw = {
      connection: { urls: [`stomp://${host}:${ports.stomp}`], username, password },
      source: { queue },
    }
    const reader = (await Consumer.open(stomp, parse(stomp, queue, raw))).closeAfter(t)
    for (const delivery of await reader.take(3)) await delivery.settle('accepted')
  })

  test('an exchange is refused, since there are none', async t => {
    const broker = await activemq(running)
    t.after(() => broker.close())
    await assert.rejects(
      new Ends(t, broker).sink({ exchange: 'x', routing_key: 'k' }),
      says(/no exchanges: write queue or topic/),
    )
  })
})

/** A request goes out and is read, and its answer is sent to where it says. */
async function answers(ends: Ends, capability: string): Promise<void> {
  const requester = await ends.requester(capability)
  const queue = unique()
  await requester.ask(queue)
  const [request] = await (await ends.source({ queue })).take(1)
  const sink = await ends.sink({ address: '${address}' })
  await sink.send({
    address: request!.message.properties.replyTo!,
    body: { kind: 'text', text: 'the answer' },
  })
  await within(5_000, 'waiting for the answer', requester.answered)
}

await describeOnBroker('rabbitmq4', 'amqp10 sink in its own ways', running => {
  const rabbit = (t: ConstructorParameters<typeof Ends>[0]) => Ends.onRabbit(t, running, n => `/queues/${n}`)

  test('sends to an exchange by routing key, fixed and chosen, and to the topic of that name', async t => {
    const { ends, channel, create } = await rabbit(t)
    const queue = await create()
    await channel.bindQueue(queue, 'amq.topic', `${queue}.#`)
    const key = `${queue}.a b/ü`
    await (await ends.sink({ exchange: 'amq.topic', routing_key: key })).send({})
    await (await ends.sink({ exchange: 'amq.topic', routing_key: '${headers.k}' })).send({ address: key })
    await (await ends.sink({ exchange: '${headers.x}', routing_key: '${headers.k}' })).send({
      address: `amq.topic/${key}`,
    })
    await (await ends.sink({ topic: '${headers.k}' })).send({ address: key })
    for (const { message } of await (await ends.source({ queue })).take(4)) {
      assert.deepEqual(message.annotations!['x-routing-key'], text(key))
    }
  })

  test('a message that no queue takes is refused where it chose its key, else the target is at fault', async t => {
    const { ends } = await rabbit(t)
    const key = unique()
    const chosen = await ends.sink({ exchange: 'amq.topic', routing_key: '${headers.k}' })
    await assert.rejects(chosen.send({ address: key }), MessageRefused)
    const fixed = await ends.sink({ exchange: 'amq.topic', routing_key: key })
    await assert.rejects(fixed.send({}), SinkUnavailable)
    await assert.rejects((await ends.sink({ exchange: 'amq.topic' })).send({}), SinkUnavailable)
  })

  test('a queue that is full is not the fault of the message', async t => {
    const { ends, create } = await rabbit(t)
    const queue = await create({ 'x-max-length': 1, 'x-overflow': 'reject-publish' })
    for (const options of [{ queue }, { queue: '${headers.place}' }]) {
      const sink = await ends.sink(options)
      const sends = await Promise.allSettled(Array.from({ length: 5 }, () => sink.send({ address: queue })))
      const last = sends.at(-1)!
      assert.ok(last.status === 'rejected' && last.reason instanceof SinkUnavailable, `${last.status}`)
      assert.match(sentence(last.reason), /full/)
    }
  })

  test('delay and an address that is none are refused, in words that help', async t => {
    const { ends, create } = await rabbit(t)
    const queue = await create()
    const sink = await ends.sink({ queue })
    await assert.rejects(async () => sink.send({ properties: { delay: 5 } }), says(/cannot delay/))
    const chosen = await ends.sink({ address: '${address}' })
    await assert.rejects(chosen.send({ address: '/nowhere/x' }), MessageRefused)
    await chosen.send({ address: queue })
    await assert.rejects(ends.sink({ address: '/nowhere/x' }), says(/\/nowhere\/x/))
  })
})

await describeOnBroker('rabbitmq3', 'amqp10 sink in its own ways', running => {
  const rabbit = (t: ConstructorParameters<typeof Ends>[0]) =>
    Ends.onRabbit(t, running, n => `/amq/queue/${n}`)

  test('looking whether a queue is there neither takes from it nor waits for who has it for himself', async t => {
    const { ends, channel, create } = await rabbit(t)
    const queue = await create()
    await channel.consume(queue, () => {}, { exclusive: true, noAck: true })
    const sink = await ends.sink({ queue })
    await sink.send({})
    await sink.sink.check(AbortSignal.timeout(5_000))
  })

  for (const [what, written, refusal] of [
    ['ends the link to it', undefined, LinkLost],
    ['is the fault of who named it', '${headers.place}', MessageRefused],
  ] as const) {
    test(`a queue that is deleted while there is a link ${what} within a second or so`, async t => {
      const { ends, channel, create } = await rabbit(t)
      const queue = await create()
      const sink = await ends.sink({ queue: written ?? queue })
      await sink.send({ address: queue })
      await channel.deleteQueue(queue)
      const began = performance.now()
      const refused = async () => {
        const [sent] = await Promise.allSettled([sink.send({ address: queue })])
        return sent!.status === 'rejected' && sent.reason instanceof refusal && sent.reason
      }
      const error = await until(refused, { timeout: 5_000, what: 'a refusal' })
      assert.match(sentence(error), /no queue/)
      assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms`)
    })
  }

  test('a link that nothing was sent by for a while sends nothing to a queue that was deleted meanwhile', async t => {
    const { ends, channel, create } = await rabbit(t)
    const queue = await create()
    const sink = await ends.sink({ queue })
    await channel.deleteQueue(queue)
    const now = performance.now.bind(performance)
    t.mock.method(performance, 'now', () => now() + 1_000)
    await assert.rejects(sink.send({}), says(/no queue/))
  })

  test('looking for a queue that deletes itself after its consumers does not delete it', async t => {
    const { ends, channel } = await rabbit(t)
    const { queue } = await channel.assertQueue(unique(), { autoDelete: true })
    const sink = await ends.sink({ queue })
    await sink.sink.check(AbortSignal.timeout(5_000))
    await sink.send({})
    assert.equal((await channel.checkQueue(queue)).messageCount, 1)
    await channel.deleteQueue(queue)
  })

  for (const type of ['quorum', 'stream']) {
    test(`a ${type} queue is found`, async t => {
      const { ends, channel } = await rabbit(t)
      const { queue } = await channel.assertQueue(unique(), { arguments: { 'x-queue-type': type } })
      await (await ends.sink({ queue })).send({})
      await channel.deleteQueue(queue)
    })
  }

  test('whoever may not read a queue is told that its absence would not be noticed', async t => {
    const { channel, create } = await rabbit(t)
    const queue = await create()
    const { host, ports, username, password } = running
    const writer = `writer-${randomUUID()}`
    const api = (method: string, path: string, body?: object) =>
      fetch(`http://${host}:${ports.http}/api/${path}`, {
        method,
        headers: {
          authorization: `Basic ${btoa(`${username}:${password}`)}`,
          'content-type': 'application/json',
        },
        ...(body && { body: JSON.stringify(body) }),
      })
    t.after(() => api('DELETE', `users/${writer}`))
    await api('PUT', `users/${writer}`, { password: writer, tags: '' })
    await api('PUT', `permissions/%2F/${writer}`, { configure: '^$', write: '.*', read: '^$' })
    const address = { host, port: ports.amqp! }
    const ends = new Ends(t, { address, login: { username: writer, password: writer } })
    for (const written of [queue, '${headers.place}']) {
      const sink = await ends.sink({ queue: written })
      for (const address of [queue, `${queue}-missing`]) await sink.send({ address })
      const texts = sink.events.map(event => event.type === 'notice' && event.text)
      assert.equal(texts.length, 1)
      assert.match(String(texts[0]), /without the permission to read it.*drops/)
    }
    assert.equal((await channel.checkQueue(queue)).messageCount, 3)
  })

  test('an exchange that is not there is the fault of who named it', async t => {
    const { ends } = await rabbit(t)
    await assert.rejects(ends.sink({ exchange: 'nobody', routing_key: 'k' }), says(/nobody/))
    const chosen = await ends.sink({ address: '${address}' })
    await assert.rejects(chosen.send({ address: '/exchange/nobody/k' }), MessageRefused)
  })

  test('a name beyond ASCII is refused', async t => {
    const { ends } = await rabbit(t)
    await assert.rejects(ends.sink({ queue: 'ü' }), says(/not ASCII/))
  })
})
