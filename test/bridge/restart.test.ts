import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import rhea from 'rhea'
import { activemq, rabbitmq } from '../adapters/amqp10-brokers.ts'
import { type Amqp10Broker, Producer } from '../adapters/amqp10-client.ts'
import { mqttFixture } from '../adapters/mqtt-fixture.ts'
import { StompClient } from '../adapters/stomp-client.ts'
import { runBridge } from '../support/bridge-process.ts'
import { type Broker, type BrokerName, describeOnBroker, startOwnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { arrived, awsConnection, bodiesIn, numbered, quick, repetitions, suiteAws } from './setting.ts'

let aws: TestAws

async function ownBroker(t: TestContext, name: BrokerName) {
  const own = await startOwnBroker(name)
  t.after(() => own[Symbol.asyncDispose]())
  return own
}

const atLeast = (queue: string, count: number) =>
  until(() => bodiesIn(aws, queue).length >= count, {
    what: `${count} in ${queue}`,
    timeout: 30_000,
    every: 5,
  })

/** Slow enough to be met in the middle; a dead letter would stay unsettled and be missed. */
const routes = (from: Readonly<Record<string, object>>) =>
  Object.fromEntries(
    Object.entries(from).map(([name, source]) => [
      name,
      {
        from: { connection: name, ...source },
        targets: { main: { connection: 'queues', queue: name, concurrency: 4 } },
      },
    ]),
  )

interface Restart {
  readonly name: BrokerName
  readonly other: string
  readonly otherUrl: (broker: Broker) => string
  readonly dial: (broker: Broker) => Promise<Amqp10Broker>
  /** Where ActiveMQ would hand out a message that came over AMQP 1.0 in AMQP's own encoding. */
  readonly fillOther?: (broker: Broker, place: string, bodies: readonly Uint8Array[]) => Promise<void>
}

const restarts: readonly Restart[] = [
  {
    name: 'rabbitmq4',
    other: 'amqp091',
    otherUrl: ({ host, ports }) => `amqp://${host}:${ports.amqp}`,
    dial: broker => rabbitmq(broker, queue => `/queues/${queue}`),
  },
  {
    name: 'activemq',
    other: 'stomp',
    otherUrl: ({ host, ports }) => `stomp://${host}:${ports.stomp}`,
    dial: activemq,
    fillOther: async (broker, place, bodies) => {
      const client = await StompClient.open({ host: broker.host, port: broker.ports.stomp! }, broker)
      await Promise.all(bodies.map(body => client.send(`/queue/${place}`, body)))
      await client.close()
    },
  },
]

for (const { name, other, otherUrl, dial, fillOther } of restarts) {
  await describeOnBroker(name, 'the bridge from a broker that is killed', () => {
    suiteAws(started => {
      aws = started
    })
    test(`loses nothing over AMQP 1.0 and ${other} when it comes back`, async t => {
      const own = await ownBroker(t, name)
      const { host, ports, username, password } = own.broker
      const dialled = await dial(own.broker)
      const producer = new Producer(dialled.address, dialled.login, dialled.target)
      const bodies = numbered(2_000)
      const places = [await dialled.create(), await dialled.create()]
      const durable = bodies.map(body => ({ durable: true, body: rhea.message.data_section(body) }))
      await producer.send(places[0]!, durable)
      await (fillOther ? fillOther(own.broker, places[1]!, bodies) : producer.send(places[1]!, durable))
      await producer.close()
      await dialled.close()

      const queues = [`${name}-amqp10`, `${name}-${other}`] as const
      for (const queue of queues) await aws.createQueue(queue)
      const slow = aws.faults.delayAnswers({ action: 'SendMessageBatch', milliseconds: 50 })
      t.after(() => slow.end())
      const login = { username, password }
      const bridge = await runBridge(t, {
        defaults: { ...quick, dead_letter: [{ folder: '/dev/null/never' }] },
        connections: {
          [queues[0]]: { protocol: 'amqp10', urls: [`amqp://${host}:${ports.amqp}`], ...login },
          [queues[1]]: { protocol: other, urls: [otherUrl(own.broker)], ...login },
          queues: awsConnection('sqs', aws),
        },
        routes: routes({ [queues[0]]: { queue: places[0] }, [queues[1]]: { queue: places[1] } }),
      })
      for (const queue of queues) await atLeast(queue, 400)
      await own.kill()
      for (const queue of queues) {
        await bridge.logged({ route: queue, link: 'source', msg: /trying again/ })
        assert.ok(bodiesIn(aws, queue).length < bodies.length, 'it was killed after the end')
      }
      await own.start()
      slow.end()
      for (const queue of queues) {
        await arrived(aws, queue, bodies)
        t.diagnostic(`${queue}: ${repetitions(bodiesIn(aws, queue))} of ${bodies.length} came twice`)
      }
      assert.equal(await bridge.stop(), 0)
    })
  })
}

await describeOnBroker('mosquitto', 'the bridge from a broker that restarts', () => {
  suiteAws(started => {
    aws = started
  })
  test('loses nothing, and subscribes again where the session is gone', async t => {
    const own = await ownBroker(t, 'mosquitto')
    const { host, ports, username, password } = own.broker
    const at = { host, port: ports.mqtt!, username, password }
    const fixture = await mqttFixture(at, 5)
    const place = await fixture.create()
    const bodies = numbered(900)
    await fixture.produce(place, bodies)
    await fixture.close()

    await aws.createQueue('mosquitto')
    const slow = aws.faults.delayAnswers({ action: 'SendMessageBatch', milliseconds: 50 })
    t.after(() => slow.end())
    const bridge = await runBridge(t, {
      defaults: { ...quick, dead_letter: [{ folder: '/dev/null/never' }] },
      connections: {
        mosquitto: { protocol: 'mqtt', urls: [`mqtt://${host}:${at.port}`], username, password, version: 5 },
        queues: awsConnection('sqs', aws),
      },
      routes: routes({ mosquitto: { topic: place, client_id: `sluice-conformance-${place}` } }),
    })
    await atLeast('mosquitto', 200)
    await own.stop()
    await bridge.logged({ link: 'source', msg: /trying again/ })
    assert.ok(bodiesIn(aws, 'mosquitto').length < bodies.length, 'it was stopped after the end')
    await own.start()
    slow.end()
    await arrived(aws, 'mosquitto', bodies)

    // Mosquitto keeps its sessions in memory and writes them when it ends in order: this way it forgets them.
    await own.kill()
    await own.start()
    await bridge.connected()
    const later = await mqttFixture(at, 5)
    t.after(() => later.close())
    await later.produce(place, numbered(10, 'later'))
    await arrived(aws, 'mosquitto', numbered(10, 'later'))
    assert.equal(await bridge.stop(), 0)
  })
})
