import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { connect } from 'amqplib'
import { connectionTo, plainClient } from '../adapters/mqtt-fixture.ts'
import { StompReader } from '../adapters/stomp-reader.ts'
import { runBridge } from '../support/bridge-process.ts'
import { type Broker, type BrokerName, describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { cloudService } from './cloud-service.ts'
import { awsConnection, deadFolder, quick, suiteAws } from './setting.ts'

/** Applications that wait for answers in the way of their protocol. */
interface Requesters {
  readonly title: string
  readonly brokers: readonly BrokerName[]
  /** Where their answers may go. */
  readonly allow: string
  connection(broker: Broker): object
  /** The place of the questions, as the bridge reads it. */
  from(place: string): object
  /** Begins to wait for answers and gives a way to ask; `answered` hears correlation ids and bodies. */
  open(t: TestContext, broker: Broker, place: string, answered: Answered): Promise<Ask>
}

type Answered = (id: string, body: string) => void
type Ask = (id: string, body: string) => Promise<void>

const mqtt: Requesters = {
  title: 'MQTT 5, response topics',
  brokers: ['mosquitto', 'rabbitmq4'],
  allow: 'answers/*',
  connection: broker => ({ protocol: 'mqtt', ...connectionTo({ ...broker, port: broker.ports.mqtt! }, 5) }),
  from: place => ({ topic: place }),
  async open(t, broker, place, answered) {
    const client = await plainClient({ ...broker, port: broker.ports.mqtt! }, 5)
    t.after(() => client.endAsync())
    const responseTopic = `answers/${place}`
    client.on('message', (_topic, body, { properties }) => {
      answered(String(properties?.correlationData), String(body))
    })
    await client.subscribeAsync(responseTopic, { qos: 1 })
    return async (id, body) => {
      const properties = { responseTopic, correlationData: Buffer.from(id) }
      await client.publishAsync(place, body, { qos: 1, properties })
    }
  },
}

/** RabbitMQ subscribes a requester to its temporary queue by itself, when it sends with it. */
const stomp = (brokers: readonly BrokerName[], allow: string, isImplicit: boolean): Requesters => ({
  title: 'STOMP, temporary queues',
  brokers,
  allow,
  connection: ({ host, ports, username, password }) => ({
    protocol: 'stomp',
    urls: [`stomp://${host}:${ports.stomp}`],
    username,
    password,
  }),
  from: queue => ({ queue }),
  async open(t, broker, place, answered) {
    const reader = await StompReader.open({ host: broker.host, port: broker.ports.stomp! }, broker)
    t.after(() => reader.close())
    const own = '/temp-queue/answers'
    void reader.answers(own, isImplicit, ({ native: { headers, body } }) => {
      answered(headers.get('correlation-id') ?? '', body.toString())
      return false
    })
    return async (id, body) =>
      reader.say(
        'SEND',
        [`destination:/queue/${place}`, 'persistent:true', `reply-to:${own}`, `correlation-id:${id}`],
        body,
      )
  },
})

const amqp091: Requesters = {
  title: 'AMQP 0-9-1, direct replies',
  brokers: ['rabbitmq3', 'rabbitmq4'],
  allow: 'amq.rabbitmq.reply-to.*',
  connection: ({ host, ports, username, password }) => ({
    protocol: 'amqp091',
    urls: [`amqp://${host}:${ports.amqp}`],
    username,
    password,
  }),
  from: queue => ({ queue }),
  async open(t, { host: hostname, ports, username, password }, place, answered) {
    const model = await connect({ hostname, port: ports.amqp!, username, password })
    t.after(() => model.close())
    const channel = await model.createChannel()
    const replyTo = 'amq.rabbitmq.reply-to'
    await channel.consume(
      replyTo,
      message => message && answered(message.properties.correlationId, message.content.toString()),
      { noAck: true },
    )
    return async (correlationId, body) => {
      channel.sendToQueue(place, Buffer.from(body), { replyTo, correlationId, persistent: true })
    }
  },
}

const all = [
  mqtt,
  stomp(['activemq'], '/remote-temp-queue/*', false),
  stomp(['rabbitmq3', 'rabbitmq4'], '/reply-queue/*', true),
  amqp091,
]

for (const requesters of all) {
  for (const name of requesters.brokers) {
    await describeOnBroker(name, `requesters over ${requesters.title}`, broker => {
      let aws: TestAws
      suiteAws(started => {
        aws = started
      })

      test('50 at once get their answers of a service on SQS, each with its own correlation id', async t => {
        const place = `ask-${randomUUID().slice(0, 8)}`
        const requestsUrl = await aws.createQueue(`${place}-requests`)
        await aws.createQueue(`${place}-replies`)
        const dead = deadFolder(t)
        if (name.startsWith('rabbitmq')) await declare(t, broker, place)
        const bridge = await runBridge(t, {
          defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
          connections: { legacy: requesters.connection(broker), cloud: awsConnection('sqs', aws, true) },
          request_reply: {
            keys: [{ id: 'k1', secret: 'the secret of these tests' }],
            reply_to_allow: [requesters.allow],
          },
          routes: {
            ask: {
              from: { connection: 'legacy', ...requesters.from(place) },
              request: { reply_to: `${place}-replies`, timeout: '60s' },
              targets: { main: { connection: 'cloud', queue: `${place}-requests` } },
            },
            answer: {
              from: { connection: 'cloud', queue: `${place}-replies`, wait: '1s' },
              reply: true,
              targets: { main: { connection: 'legacy', address: '${address}' } },
            },
          },
        })
        await bridge.connected()
        const service = cloudService(t, aws, requestsUrl)
        const answers: [string, string][] = []
        const ask = await requesters.open(t, broker, place, (id, body) => answers.push([id, body]))
        const ids = Array.from({ length: 50 }, (_, i) => `request ${i}`)
        await Promise.all(ids.map(id => ask(id, `question of ${id}`)))
        await until(() => answers.length >= ids.length, { what: '50 answers', timeout: 30_000 })
        assert.deepEqual(new Map(answers), new Map(ids.map(id => [id, `answer to question of ${id}`])))
        assert.equal(answers.length, ids.length)
        assert.equal(service.answered(), ids.length)
        assert.equal(await bridge.stop(), 0)
        assert.deepEqual(await dead.letters(), [])
      })
    })
  }
}

/** A queue of RabbitMQ has to be there before it is read. */
async function declare(
  t: TestContext,
  { host: hostname, ports, username, password }: Broker,
  queue: string,
): Promise<void> {
  const model = await connect({ hostname, port: ports.amqp!, username, password })
  const channel = await model.createChannel()
  await channel.assertQueue(queue, { durable: true })
  t.after(async () => {
    await channel.deleteQueue(queue)
    await model.close()
  })
}
