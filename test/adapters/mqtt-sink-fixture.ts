import type { IPublishPacket, MqttClient } from 'mqtt'
import {
  connectionTo,
  leave,
  type MqttBroker,
  plainClient,
  uniqueName,
  type Version,
} from './mqtt-fixture.ts'
import { Mailbox, type SinkExample, type SinkFixture } from './sink-fixture.ts'

/** What a broker does not take as others. */
export interface SinkTraits {
  /** Bytes of the largest body that it takes, where that is less than 1 MiB. */
  readonly largestBody?: number
  /** A topic that the publisher may not publish to. */
  readonly forbidden?: string
  /** Puts messages in another order that are published without waiting for each PUBACK. */
  readonly reorders?: boolean
  /** Who publishes, where that is not who reads. */
  readonly login?: { readonly username: string; readonly password: string }
}

/** A place is a topic of its own, to which one client of the library subscribes. */
export async function mqttSinkFixture(
  broker: MqttBroker,
  version: Version,
  { largestBody, forbidden, reorders, login }: SinkTraits = {},
): Promise<SinkFixture<IPublishPacket>> {
  const mailboxes = new Map<string, Mailbox<IPublishPacket>>()
  const consumer: MqttClient = await plainClient(broker, version)
  consumer.on('message', (topic, payload, packet) =>
    mailboxes.get(topic)?.put({ body: payload, native: packet }),
  )
  const connection = (via = broker as { host: string; port: number }) => ({
    ...connectionTo(broker, version, via),
    ...login,
  })
  return {
    address: broker,
    ...(largestBody !== undefined && { largestBody }),
    ...(forbidden !== undefined && { missing: forbidden }),
    ...(reorders && { unordered: true }),
    create: async () => {
      const name = uniqueName()
      mailboxes.set(name, new Mailbox())
      await consumer.subscribeAsync(name, { qos: 1 })
      return name
    },
    endpoint: (name, via) => ({ connection: connection(via), sink: { topic: name } }),
    templated: via => ({ connection: connection(via), sink: { topic: '${headers.to}' } }),
    addressOf: name => name,
    read: (name, isLast) => mailboxes.get(name)!.read(isLast),
    examples: [] as readonly SinkExample<IPublishPacket>[],
    close: () => leave(consumer),
  }
}
