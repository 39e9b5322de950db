import { once } from 'node:events'
import rhea, { type Connection, type Receiver } from 'rhea'
import { type Native, nativeOf } from './amqp10-bytes.ts'
import type { Amqp10Broker } from './amqp10-client.ts'
import type { TcpAddress } from './fixture.ts'
import { Mailbox, type SinkExample, type SinkFixture } from './sink-fixture.ts'

// rhea's own forgets the types of what it reads: the tests get the bytes. Its session calls this function.
;(rhea.message as unknown as { decode(bytes: Buffer): unknown }).decode = bytes => bytes

/** The bodies of queues are taken away by one connection, each queue by a receiver that stays. */
class Readers {
  readonly #at: TcpAddress & { readonly username?: string; readonly password?: string }
  readonly #source: Amqp10Broker['target']
  readonly #boxes = new Map<string, Mailbox<Native>>()
  readonly #connections: Connection[] = []

  constructor({ address, login, target }: Amqp10Broker) {
    this.#at = { ...address, ...login }
    this.#source = target
  }

  async box(name: string): Promise<Mailbox<Native>> {
    const known = this.#boxes.get(name)
    if (known) return known
    const box = new Mailbox<Native>()
    this.#boxes.set(name, box)
    const receiver = await this.#receiver(name)
    receiver.on('message', ({ message }) => {
      const native = nativeOf(message as unknown as Buffer)
      box.put({ body: native.body, native })
    })
    return box
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
  }

  /** A connection for each hundred, since sessions and links of one are limited. */
  async #receiver(name: string): Promise<Receiver> {
    if (this.#boxes.size > this.#connections.length * 100) {
      const connection = rhea.create_container().connect({ ...this.#at, reconnect: false })
      for (const end of [
        'connection_error',
        'disconnected',
        'receiver_close',
        'receiver_error',
        'session_error',
      ]) {
        connection.on(end, () => {})
      }
      this.#connections.push(connection)
      await once(connection, 'connection_open')
    }
    const source = this.#source(name)
    return this.#connections.at(-1)!.open_receiver({
      source: typeof source === 'string' ? { address: source } : (source as never),
      credit_window: 500,
    })
  }
}

export interface Amqp10SinkBroker extends Amqp10Broker {
  readonly missing?: string
  /** Places are chosen by addresses of the broker's own dialect. */
  addressOf?(name: string): string
}

/** A broker that speaks AMQP 1.0, as the sink suite needs it; read by rhea. */
export function amqp10SinkFixture(
  broker: Amqp10SinkBroker,
  examples: readonly SinkExample<Native>[],
): SinkFixture<Native> {
  const readers = new Readers(broker)
  const target = (sink: object, { host, port }: TcpAddress = broker.address) => ({
    connection: { urls: [`amqp://${host}:${port}`], ...broker.login },
    sink: { ...sink },
  })
  return {
    address: broker.address,
    create: () => broker.create(),
    endpoint: (name, via) => target({ queue: name }, via),
    templated: via => target({ [broker.addressOf ? 'address' : 'queue']: '${headers.place}' }, via),
    addressOf: broker.addressOf ?? (name => name),
    read: async (name, isLast) => (await readers.box(name)).read(isLast),
    ...(broker.missing !== undefined && { missing: broker.missing }),
    ...(broker.detach && { remove: name => broker.detach!(name) }),
    examples,
    close: async () => {
      readers.close()
      await broker.close()
    },
  }
}
