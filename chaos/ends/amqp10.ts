import { once } from 'node:events'
import rhea, { type Connection, type EventContext, type Message, type Receiver } from 'rhea'
import { Producer } from '../../test/adapters/amqp10-client.ts'
import type { Broker } from '../../test/support/brokers.ts'
import { bodyOf } from '../ledger.ts'
import { type End, Renewed } from './end.ts'

/** A queue of ActiveMQ or Artemis by rhea. */
export function amqp10End(broker: Broker, title: string): End {
  const { host, ports, username, password } = broker
  const at = { host, port: ports.amqp! }
  const login = { username, password }
  const terminus = (queue: string) =>
    broker.name === 'artemis' ? { address: queue, capabilities: 'queue' } : `queue://${queue}`
  const generator = new Renewed(
    async () => new Producer(at, login, terminus as never),
    producer => producer.close(),
  )
  return {
    title,
    address: at,
    connection: via => ({ protocol: 'amqp10', urls: [`amqp://${via.host}:${via.port}`], ...login }),
    from: (queue, isOrdered) => ({ queue, ...(isOrdered && { exclusive: true }) }),
    to: queue => ({ queue }),
    // Queues come into being when they are used.
    make: async () => {},
    send: (queue, batch) =>
      generator.use(producer =>
        producer.send(
          queue,
          batch.map(
            (one): Message => ({
              durable: true,
              body: bodyOf(one),
              application_properties: { group: one.group },
            }),
          ),
        ),
      ),
    collector(queue, arrive) {
      let connection: Connection
      let receiver: Receiver
      return {
        async start() {
          connection = rhea.create_container().connect({ ...at, ...login, reconnect: false })
          connection.on('disconnected', () => {})
          receiver = connection.open_receiver({ source: terminus(queue) as never, credit_window: 500 })
          receiver.on('message', ({ message }: EventContext) => arrive(textOf(message!.body)))
          await once(receiver, 'receiver_open')
        },
        async stop() {
          // What comes behind the close could not be accepted.
          receiver.set_credit_window(0)
          const drained = once(receiver, 'receiver_drained')
          receiver.drain_credit()
          await drained
          const closed = once(connection, 'connection_close')
          connection.close()
          await closed
        },
      }
    },
    close: () => generator.close(),
  }
}

/** Sluice sends as data what its source took for bytes. */
function textOf(body: unknown): string {
  return typeof body === 'string' ? body : String((body as { readonly content: Buffer }).content)
}
