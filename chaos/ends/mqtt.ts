import { connect, type MqttClient } from 'mqtt'
import { connectionTo, leave, plainClient } from '../../test/adapters/mqtt-fixture.ts'
import type { Broker } from '../../test/support/brokers.ts'
import { bodyOf } from '../ledger.ts'
import { type End, Renewed } from './end.ts'

/** A topic of an MQTT 5 broker and the sessions that are subscribed to it. */
export function mqttEnd(broker: Broker, title: string): End {
  const { host, ports, username, password } = broker
  const at = { host, port: ports.mqtt!, username, password }
  const generator = new Renewed(
    () => plainClient(at, 5),
    client => leave(client),
  )
  /** A session that has messages hands them out at once: whoever wants them has to listen before it connects. */
  const visit = async (topic: string, arrive?: (body: string) => void) => {
    const client = connect({
      ...at,
      protocol: 'mqtt',
      protocolVersion: 5,
      reconnectPeriod: 0,
      clean: false,
      clientId: `collector-${topic}`,
      properties: { sessionExpiryInterval: 3600 },
    })
    if (arrive) client.on('message', (_, body) => arrive(body.toString()))
    await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject))
    return client
  }
  return {
    title,
    address: at,
    connection: via => ({ protocol: 'mqtt', ...connectionTo(at, 5, via) }),
    // Two runs at once must not take each other's session over.
    from: topic => ({ topic, session_expiry: '1h', client_id: topic }),
    to: topic => ({ topic }),
    async make(topic) {
      const client = await visit(topic)
      await client.subscribeAsync(topic, { qos: 1 })
      await leave(client)
    },
    send: (topic, batch) =>
      generator.use(client =>
        Promise.all(
          batch.map(one =>
            client.publishAsync(topic, bodyOf(one), {
              qos: 1,
              properties: { userProperties: { group: one.group } },
            }),
          ),
        ),
      ),
    collector(topic, arrive) {
      let client: MqttClient
      return {
        async start() {
          client = await visit(topic, arrive)
        },
        stop() {
          // What comes behind the goodbye cannot be acknowledged.
          client.removeAllListeners('message')
          return leave(client)
        },
      }
    },
    close: () => generator.close(),
  }
}
