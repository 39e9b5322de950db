import { activemq, artemis, rabbitmq } from '../adapters/amqp10-brokers.ts'
import { type Amqp10Broker, amqp10Fixture, Producer, types } from '../adapters/amqp10-client.ts'
import { rabbitFixture } from '../adapters/amqp091-brokers.ts'
import { Rabbit } from '../adapters/amqp091-rabbit.ts'
import type { SourceFixture, TcpAddress } from '../adapters/fixture.ts'
import { mqttFixture, plainClient, type Version } from '../adapters/mqtt-fixture.ts'
import { stompFixture } from '../adapters/stomp-brokers.ts'
import { StompClient } from '../adapters/stomp-client.ts'
import type { Broker, BrokerName } from '../support/brokers.ts'

type Wire = Readonly<Record<string, unknown>>

/** A header's attribute as SQS keeps it. */
export interface Typed {
  readonly DataType: string
  readonly StringValue?: string
}

/** A broker that is written to by clients which are not the bridge. */
export interface OpenSource extends Omit<SourceFixture, 'examples'> {
  /** What stands under `connections:` and under `from:` (beside the name of the connection). */
  config(place: string, via?: TcpAddress): { readonly connection: Wire; readonly from: Wire }
  /** Sends one message with headers, written as the protocol's client wants them. */
  send(place: string, body: Uint8Array, headers: Wire): Promise<void>
}

/** A protocol, as one broker speaks it. */
export interface SourceCase {
  readonly title: string
  readonly broker: BrokerName
  /** Messages that the broker, as the tests have it, keeps for a reader that is away. */
  readonly keeps: number
  /** Closing gives back without harm, so that an orderly stop repeats nothing. */
  readonly givesBack: boolean
  /** Headers as the client writes them, and the attributes that they must become. */
  readonly headers: Wire
  readonly attributes: Readonly<Record<string, Typed>>
  open(broker: Broker): Promise<OpenSource>
}

const typed = {
  count: { DataType: 'Number.long', StringValue: '9007199254740993' },
  price: { DataType: 'Number.double', StringValue: '2.5' },
  express: { DataType: 'Number.Boolean', StringValue: '1' },
  tenant: { DataType: 'String', StringValue: 'Grüße 😀' },
}
const beyond = 2n ** 53n + 1n

function amqp10(name: BrokerName, dial: (broker: Broker) => Promise<Amqp10Broker>): SourceCase {
  return {
    title: 'AMQP 1.0',
    broker: name,
    keeps: 2_000,
    givesBack: true,
    headers: {
      count: types.wrap_long(Buffer.from(beyond.toString(16).padStart(16, '0'), 'hex') as never),
      price: types.wrap_double(2.5),
      express: types.wrap_boolean(true),
      tenant: 'Grüße 😀',
    },
    attributes: typed,
    async open(broker) {
      const dialled = await dial(broker)
      const producer = new Producer(dialled.address, dialled.login, dialled.target)
      const send: OpenSource['send'] = (place, body, headers) =>
        producer.send(place, [{ application_properties: { ...headers }, body: Buffer.from(body) }])
      return opened('amqp10', amqp10Fixture(dialled, []), send, () => producer.close())
    },
  }
}

function amqp091(name: BrokerName, queueType: 'classic' | 'quorum'): SourceCase {
  return {
    title: `AMQP 0-9-1, ${queueType} queue,`,
    broker: name,
    keeps: 2_000,
    givesBack: true,
    headers: {
      count: { '!': 'int64', value: beyond },
      price: { '!': 'double', value: 2.5 },
      express: true,
      tenant: 'Grüße 😀',
    },
    attributes: typed,
    async open(broker) {
      const rabbit = await Rabbit.connect({ host: broker.host, port: broker.ports.amqp! }, broker)
      const fixture = await rabbitFixture(broker as never, { arguments: { 'x-queue-type': queueType } })
      const send: OpenSource['send'] = (place, body, headers) =>
        rabbit.produce(place, [body], { headers: { ...headers } })
      return opened('amqp091', fixture, send, () => rabbit.close())
    },
  }
}

function mqtt(name: BrokerName, version: Version, keeps: number): SourceCase {
  const tenant = { tenant: 'Grüße 😀' }
  return {
    title: `MQTT ${version}`,
    broker: name,
    keeps,
    givesBack: false,
    headers: version === 5 ? tenant : {},
    attributes: version === 5 ? { tenant: typed.tenant } : {},
    async open({ host, ports, username, password }) {
      const at = { host, port: ports.mqtt!, username, password }
      const client = await plainClient(at, version)
      const send: OpenSource['send'] = async (place, body, userProperties) => {
        const properties =
          version === 5 && Object.keys(userProperties).length > 0
            ? { properties: { userProperties: { ...userProperties } as never } }
            : {}
        await client.publishAsync(place, Buffer.from(body), { qos: 1, ...properties })
      }
      const open = opened('mqtt', await mqttFixture(at, version), send, () => client.endAsync())
      // The session that the place was made with; by itself it would be named after connection and route.
      const config: OpenSource['config'] = (place, via) => {
        const { connection, from } = open.config(place, via)
        return { connection, from: { ...from, client_id: `sluice-conformance-${place}` } }
      }
      return { ...open, config }
    },
  }
}

function stomp(name: 'activemq'): SourceCase {
  return {
    title: 'STOMP',
    broker: name,
    keeps: 2_000,
    givesBack: true,
    headers: { tenant: 'Grüße 😀' },
    attributes: { tenant: typed.tenant },
    async open(broker) {
      const client = await StompClient.open({ host: broker.host, port: broker.ports.stomp! }, broker)
      const send: OpenSource['send'] = (place, body, headers) =>
        client.send(
          `/queue/${place}`,
          body,
          Object.entries(headers).map(([h, value]) => `${h}:${value}`),
        )
      return opened('stomp', await stompFixture(broker), send, () => client.close())
    },
  }
}

function opened(
  protocol: string,
  fixture: SourceFixture,
  send: OpenSource['send'],
  close: () => Promise<void>,
): OpenSource {
  return {
    ...fixture,
    send,
    config: (place, via) => {
      const { connection, source } = fixture.endpoint(place, via)
      return { connection: { protocol, ...connection }, from: source }
    },
    close: async () => {
      await close()
      await fixture.close()
    },
  }
}

/** Mosquitto keeps 1,000 messages for a session that is away (max_queued_messages). */
const ofMosquitto = 900

export const sources = {
  amqp10ActiveMq: amqp10('activemq', activemq),
  amqp10Artemis: amqp10('artemis', artemis),
  amqp10Rabbit3: amqp10('rabbitmq3', broker => rabbitmq(broker, queue => `/amq/queue/${queue}`)),
  amqp10Rabbit4: amqp10('rabbitmq4', broker => rabbitmq(broker, queue => `/queues/${queue}`)),
  amqp091Rabbit3: amqp091('rabbitmq3', 'classic'),
  amqp091Rabbit4: amqp091('rabbitmq4', 'quorum'),
  mqtt311: mqtt('mosquitto', '3.1.1', ofMosquitto),
  mqtt5: mqtt('mosquitto', 5, ofMosquitto),
  stomp: stomp('activemq'),
} satisfies Record<string, SourceCase>

/** One broker for each protocol, for what does not depend on the broker. */
export const oneOfEach: readonly SourceCase[] = [
  sources.amqp10Rabbit4,
  sources.amqp091Rabbit4,
  sources.mqtt5,
  sources.stomp,
]
