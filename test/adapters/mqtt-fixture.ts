import { randomUUID } from 'node:crypto'
import { connectAsync, type IClientOptions, type IClientPublishOptions, type MqttClient } from 'mqtt'
import type { Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import type { Example, SourceFixture, TcpAddress } from './fixture.ts'

export interface MqttBroker extends TcpAddress {
  readonly username: string
  readonly password: string
}

export type Version = '3.1.1' | 5

/** A client that is not the adapter. What it publishes fails when the broker closes; nothing waits for ever. */
export async function plainClient(
  broker: MqttBroker,
  version: Version,
  more: IClientOptions = {},
): Promise<MqttClient> {
  const { host, port, username, password } = broker
  const client = await connectAsync({
    host,
    port,
    username,
    password,
    protocol: 'mqtt',
    protocolVersion: version === 5 ? 5 : 4,
    reconnectPeriod: 0,
    ...more,
  })
  // MQTT.js keeps the callbacks of publishes that were not confirmed, in case somebody reconnects.
  client.on('close', () => client.end(true))
  return client
}

/**
 * Says goodbye and waits until the broker closes, which it does when it is done with the session. Artemis still hands
 * messages to one whose client closes itself, and then gives them back behind the others.
 */
export async function leave(client: MqttClient | undefined): Promise<void> {
  if (!client?.connected) return
  const closed = new Promise(resolve => client.stream.once('close', resolve))
  client.stream.write(Buffer.of(0xe0, 0))
  await closed
}

/** The connection of a configuration. */
export const connectionTo = (broker: MqttBroker, version: Version, via: TcpAddress = broker) => ({
  urls: [`mqtt://${via.host}:${via.port}`],
  username: broker.username,
  password: broker.password,
  version,
})

export const uniqueName = (): string => `sluice-${randomUUID().slice(0, 13)}`

/** What a broker does not do as others. */
export interface Traits {
  /** Bytes of the largest body that it takes, where that is less than 2 MiB. */
  readonly largestBody?: number
  /** Now and then puts messages in another order that a client publishes without waiting for each PUBACK. */
  readonly reorders?: boolean
}

/** A place is a topic of its own and a session that is subscribed to it. */
export async function mqttFixture(
  broker: MqttBroker,
  version: Version,
  { largestBody, reorders = false }: Traits = {},
): Promise<SourceFixture> {
  const unconfirmed = reorders ? 1 : 100
  const producer = await plainClient(broker, version)
  const clientId = (name: string) => `sluice-conformance-${name}`
  const visit = async (name: string, visited: (client: MqttClient) => Promise<unknown>) => {
    const properties = version === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}
    const client = await plainClient(broker, version, {
      clean: false,
      clientId: clientId(name),
      ...properties,
    })
    await visited(client)
    await leave(client)
  }
  return {
    address: broker,
    ...(largestBody !== undefined && { largestBody }),
    create: async () => {
      const name = uniqueName()
      await visit(name, client => client.subscribeAsync(name, { qos: 1 }))
      return name
    },
    endpoint: (name, via) => ({
      connection: connectionTo(broker, version, via),
      source: { topic: name, session_expiry: '1h' },
    }),
    produce: async (name, bodies) => {
      for (let i = 0; i < bodies.length; i += unconfirmed) {
        const some = bodies.slice(i, i + unconfirmed)
        await Promise.all(some.map(b => producer.publishAsync(name, Buffer.from(b), { qos: 1 })))
      }
    },
    detach: name => visit(name, async () => {}),
    examples: version === 5 ? examples(producer) : [],
    close: () => leave(producer),
  }
}

export const exampleTitles: Readonly<Record<Version, readonly string[]>> = {
  '3.1.1': [],
  5: [
    'user properties as headers, one that is repeated as a list',
    'content type, response topic and correlation data',
    'text that says so',
    'a message expiry',
  ],
}

function examples(producer: MqttClient): readonly Example[] {
  const [headers, properties, textual, expiry] = exampleTitles[5] as [string, string, string, string]
  const example = (
    title: string,
    body: string,
    said: IClientPublishOptions['properties'],
    expected: Partial<Pick<Message, 'body' | 'headers' | 'properties'>>,
  ): Example => ({
    title,
    expected,
    send: async name => {
      await producer.publishAsync(name, body, { qos: 1, ...(said && { properties: said }) })
    },
  })
  const correlationData = Buffer.of(0, 1, 254, 255)
  return [
    example(
      headers,
      'x',
      { userProperties: { tenant: 'Grüße 😀', 'a.b-c': 'ü:\\', empty: '', many: ['1', '2'] } },
      {
        headers: {
          tenant: text('Grüße 😀'),
          'a.b-c': text('ü:\\'),
          empty: text(''),
          many: { type: 'list', value: [text('1'), text('2')] },
        },
      },
    ),
    example(
      properties,
      'x',
      { contentType: 'application/json', responseTopic: 'replies/here', correlationData },
      {
        properties: {
          contentType: 'application/json',
          replyTo: 'replies/here',
          correlationId: { type: 'bytes', value: correlationData },
          durable: true,
        },
      },
    ),
    example(textual, 'Grüße', { payloadFormatIndicator: true }, { body: { kind: 'text', text: 'Grüße' } }),
    example(expiry, 'x', { messageExpiryInterval: 100 }, { properties: { durable: true } }),
  ]
}
