import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { amqp10 } from '../../src/adapters/amqp10/index.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { until } from '../support/until.ts'
import { rabbitmq } from './amqp10-brokers.ts'
import { amqp10Fixture } from './amqp10-client.ts'
import { amqp10Examples } from './amqp10-examples.ts'
import { sourceConformance } from './conformance.ts'
import type { RawEndpoint } from './fixture.ts'
import { benchOf, filled, opened, withConnection } from './promises/bench.ts'
import { says } from './promises/expect.ts'

const examples = amqp10Examples.map(e => e.title)
const withHeartbeat = (raw: RawEndpoint) => withConnection(raw, { heartbeat: '1s' })
const noValues = 'the plugin of RabbitMQ 3 ends the session when it gets a value that is a list or a map'

await describeOnBroker('rabbitmq4', 'amqp10 with version 2 addresses', broker => {
  const fixture = async () => amqp10Fixture(await rabbitmq(broker, name => `/queues/${name}`), amqp10Examples)
  sourceConformance({ title: 'amqp10', adapter: amqp10, examples, fixture })

  test('is not stalled by a delivery that stays unsettled, neither beside it nor behind it', async t => {
    const count = 5_000
    const rabbit = await fixture()
    t.after(() => rabbit.close())
    const names = [await rabbit.create(), await rabbit.create()]
    const body = Buffer.from('x')
    for (const name of names) await rabbit.produce(name, Array(count).fill(body))
    const bench = benchOf(amqp10, rabbit)
    const opens = bench.openers(...names.map(name => ({ name, raw: rabbit.endpoint(name) })))
    const came = [0, 0]
    for (const [i, open] of opens.entries()) {
      const source = await open(delivery => {
        if (came[i]!++ > 0) void delivery.settle('accepted')
      })
      t.after(() => source.close())
      source.grant(count, 2 ** 30)
    }
    await until(() => came.every(n => n === count), { what: 'all messages of both queues' })
  })

  test('holds no more unsettled than prefetch, whatever was granted', async t => {
    const rabbit = await fixture()
    t.after(() => rabbit.close())
    const bench = benchOf(amqp10, rabbit)
    const name = await filled(bench, 10)
    const raw = rabbit.endpoint(name)
    const consumer = await opened(t, bench, name, { ...raw, source: { ...raw.source, prefetch: 3 } })
    consumer.grant(100)
    await consumer.came(3)
    await pause(150)
    const [first] = await consumer.came(3)
    await first!.settle('accepted')
    await consumer.came(4)
  })

  test('does not take the broker for dead because the process was busy', async t => {
    const rabbit = await fixture()
    t.after(() => rabbit.close())
    const name = await rabbit.create()
    const consumer = await opened(t, benchOf(amqp10, rabbit), name, withHeartbeat(rabbit.endpoint(name)))
    let died = false
    void consumer.source.closed.then(() => {
      died = true
    })
    for (let i = 0; i < 2; i++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500)
      await new Promise(resolve => setImmediate(resolve))
    }
    await rabbit.produce(name, [Buffer.from('x')])
    await consumer.take(1)
    assert.ok(!died)
  })

  test('fails to open a topic, which version 2 addresses do not have, and says what to do', async t => {
    const rabbit = await fixture()
    t.after(() => rabbit.close())
    const raw = { ...rabbit.endpoint('any'), source: { topic: 'prices' } }
    await assert.rejects(opened(t, benchOf(amqp10, rabbit), 'any', raw), says(/bind a queue to the exchange/))
  })
})

await describeOnBroker('rabbitmq3', 'amqp10 with version 1 addresses', broker =>
  sourceConformance({
    title: 'amqp10',
    adapter: amqp10,
    examples,
    skipExamples: {
      'a body of several data sections as one': 'the plugin of RabbitMQ 3 stores them in the wrong order',
      'a list with its types': noValues,
      'a map with its types': noValues,
      'a map whose keys are no strings': noValues,
    },
    fixture: async () => amqp10Fixture(await rabbitmq(broker, name => `/amq/queue/${name}`), amqp10Examples),
  }),
)
