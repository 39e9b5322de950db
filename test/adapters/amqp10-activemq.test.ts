import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, describe, type TestContext, test } from 'node:test'
import { amqp10 } from '../../src/adapters/amqp10/index.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { activemq } from './amqp10-brokers.ts'
import { amqp10Fixture, Producer, types } from './amqp10-client.ts'
import { amqp10Examples } from './amqp10-examples.ts'
import { sourceConformance } from './conformance.ts'
import { Consumer, parse } from './consumer.ts'
import { idOf } from './fixture.ts'
import { says } from './promises/expect.ts'

await describeOnBroker('activemq', 'amqp10', broker => {
  sourceConformance({
    title: 'amqp10',
    adapter: amqp10,
    examples: amqp10Examples.map(e => e.title),
    skip: {
      missing: 'ActiveMQ makes a queue as soon as somebody reads it',
      detached:
        'ActiveMQ has no way to take a queue from its reader but by its console; see amqp10-peer.test.ts',
    },
    fixture: async () => amqp10Fixture(await activemq(broker), amqp10Examples),
  })

  describe('amqp10 in its own ways', () => {
    const { host, username, password } = broker
    const address = { host, port: broker.ports.amqp! }
    const producer = new Producer(address, { username, password }, name => name)
    after(() => producer.close())
    const at = (route: string, source: object, connection: object = {}) =>
      parse(amqp10, route, {
        connection: { urls: [`amqp://${host}:${address.port}`], username, password, ...connection },
        source: { ...source },
      })
    const open = async (t: TestContext, route: string, source: object, connection?: object) =>
      (await Consumer.open(amqp10, at(route, source, connection))).closeAfter(t)
    const unique = () => `amqp10-${randomUUID()}`

    test('reads only what its selector matches', async t => {
      const queue = unique()
      const red = { application_properties: { colour: 'red' }, body: 'red' }
      const blue = { application_properties: { colour: 'blue' }, body: 'blue' }
      await producer.send(`queue://${queue}`, [red, blue, red])
      const consumer = await open(t, queue, { queue, selector: "colour = 'blue'" })
      consumer.grant(3)
      await consumer.came(1)
      assert.deepEqual(consumer.ids, ['blue'])
      await consumer.deliveries[0]!.settle('accepted')
      await consumer.source.close()
      const rest = await open(t, queue, { queue })
      await rest.take(2)
    })

    test('fails to open with a selector that is none, and says so', async t => {
      const queue = unique()
      await assert.rejects(open(t, queue, { queue, selector: 'colour = = 1' }), says(/selector|invalid/i))
    })

    test('keeps a durable subscription while nobody reads, under the same name', async t => {
      const topic = unique()
      const route = unique()
      const source = { topic, subscription: 'audit' }
      await (await open(t, route, source)).source.close()
      await producer.send(`topic://${topic}`, [{ body: 'one' }, { body: 'two' }])
      const consumer = await open(t, route, source)
      const [first] = await consumer.take(2)
      assert.deepEqual(consumer.ids, ['one', 'two'])
      assert.equal(first!.message.address, topic)
      await first!.settle('accepted')
      await consumer.source.close()
      const again = await open(t, route, source)
      await again.take(1)
      assert.deepEqual(again.ids, ['two'])
    })

    test('names the concrete topic of a message that came by a wildcard and says where it went', async t => {
      const topic = unique()
      const consumer = await open(t, topic, { topic: `${topic}.*` })
      await producer.send(`topic://${topic}.oven`, [{ to: `topic://${topic}.oven`, body: 'hot' }])
      const [delivery] = await consumer.take(1)
      assert.equal(delivery!.message.address, `${topic}.oven`)
    })

    test('shares one connection between routes, and gives a durable subscription one of its own', async t => {
      const [queue, other, topic] = [unique(), unique(), unique()]
      await producer.send(`queue://${queue}`, [{ body: 'x' }])
      const first = at(queue, { queue })
      const second = { ...at(other, { queue: other }), connection: first.connection }
      const third = { ...at(topic, { topic, subscription: 's' }), connection: first.connection }
      for (const end of [first, second, third]) (await Consumer.open(amqp10, end)).closeAfter(t)
    })

    test('has the whole queue to itself when exclusive', async t => {
      const queue = unique()
      const first = await open(t, queue, { queue, exclusive: true })
      const second = await open(t, queue, { queue, exclusive: true })
      second.grant(10)
      first.grant(10)
      await producer.send(
        `queue://${queue}`,
        Array.from({ length: 6 }, (_, i) => ({ body: `m${i}` })),
      )
      await first.came(6)
      assert.equal(second.deliveries.length, 0)
    })

    test('reads a name that needs escaping', async t => {
      const queue = `${unique()} a&b=ü`
      await producer.send(`queue://${queue}`, [{ body: 'x' }])
      assert.equal((await (await open(t, queue, { queue })).take(1))[0]!.message.address, queue)
    })

    test('takes the id that JMS assigned for the id of the delivery, and no other', async t => {
      const queue = unique()
      await producer.send(`queue://${queue}`, [
        { message_id: 'ID:provider-1', body: 'a' },
        { message_id: 'mine', body: 'b' },
      ])
      const [assigned, own] = await (await open(t, queue, { queue })).take(2)
      assert.equal(assigned!.id, 'ID:provider-1')
      assert.equal(own!.id, undefined)
    })

    test('counts deliveries and time to live as the broker does', async t => {
      const queue = unique()
      const message = {
        ttl: 60_000,
        priority: 9,
        application_properties: { n: types.wrap_long(1) },
        body: 'x',
      }
      await producer.send(`queue://${queue}`, [message])
      const [delivery] = await (await open(t, queue, { queue })).take(1)
      const { expiresAt, priority } = delivery!.message.properties
      assert.ok(Math.abs(expiresAt! - Date.now() - 60_000) < 10_000)
      assert.equal(priority, 9)
      assert.equal(idOf(delivery!.message), 'x')
    })
  })
})
