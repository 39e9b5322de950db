import { StompClient } from '../../test/adapters/stomp-client.ts'
import type { Broker } from '../../test/support/brokers.ts'
import { bodyOf } from '../ledger.ts'
import { amqp10End } from './amqp10.ts'
import { type End, Renewed } from './end.ts'

/** A queue of ActiveMQ over STOMP; what arrives there is read over AMQP 1.0. */
export function stompEnd(broker: Broker, title: string): End {
  const { host, ports, username, password } = broker
  const at = { host, port: ports.stomp! }
  const generator = new Renewed(
    () => StompClient.open(at, { username, password }),
    client => client.close(),
  )
  return {
    ...amqp10End(broker, title),
    address: at,
    connection: via => ({
      protocol: 'stomp',
      urls: [`stomp://${via.host}:${via.port}`],
      username,
      password,
    }),
    send: (queue, batch) =>
      generator.use(client =>
        Promise.all(batch.map(one => client.send(`/queue/${queue}`, bodyOf(one), [`group:${one.group}`]))),
      ),
    close: () => generator.close(),
  }
}
