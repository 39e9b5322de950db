import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import rhea, { type Connection, type Container, type EventContext, type Sender, type Session } from 'rhea'
import { amqp10 } from '../../src/adapters/amqp10/index.ts'
import { types } from './amqp10-client.ts'
import { Consumer, parse } from './consumer.ts'

/** A server that speaks AMQP 1.0 as a test wants it to: well, badly, or not at all. */
export class Peer {
  readonly container: Container
  readonly port: number
  readonly senders: Sender[] = []

  private constructor(container: Container, port: number) {
    this.container = container
    this.port = port
    container.on('sender_open', ({ sender }) => this.senders.push(sender!))
  }

  static async listen(
    t: TestContext,
    prepare: (container: Container) => void = () => {},
    answer = attach,
  ): Promise<Peer> {
    const container = rhea.create_container()
    const quiet = ['disconnected', 'error', 'protocol_error', 'connection_error', 'session_error']
    for (const event of quiet) container.on(event, () => {})
    const connections = new Set<Connection>()
    container.on('connection_open', ({ connection }: EventContext) => connections.add(connection))
    prepare(container)
    container.on('sender_open', ({ sender }) => answer(sender!))
    const server = container.listen({ port: 0, host: '127.0.0.1' }) as Server
    await once(server, 'listening')
    t.after(() => {
      for (const connection of connections) hangUp(connection)
      server.close()
    })
    return new Peer(container, (server.address() as AddressInfo).port)
  }

  /** The link of the n-th source that was opened. */
  sender(n = 0): Sender {
    return this.senders[n]!
  }

  at(queue: string, source: object = {}, connection: object = {}) {
    return parse(amqp10, queue, {
      connection: { urls: [`amqp://127.0.0.1:${this.port}`], ...connection },
      source: { queue, ...source },
    })
  }

  async open(t: TestContext, queue: string, source?: object, connection?: object): Promise<Consumer> {
    return (await Consumer.open(amqp10, this.at(queue, source, connection))).closeAfter(t)
  }
}

const attach = (sender: Sender): void => sender.set_source({ address: sender.source.address })

interface ConnectionInside {
  readonly socket: Socket
  _disconnected(): void
}

const inside = (connection: Connection) => connection as unknown as ConnectionInside
export const socketOf = (connection: Connection): Socket => inside(connection).socket

/** How many messages the adapter lets the peer send now. */
export const creditOf = (sender: Sender): number => (sender as unknown as { credit: number }).credit

/** Destroys the socket and ends rhea's timers, which would keep the process alive. */
function hangUp(connection: Connection): void {
  socketOf(connection).destroy()
  inside(connection)._disconnected()
}

/** Sends a transfer frame (specification part 2, section 2.7.5) that rhea would not make. */
export function transfer(
  sender: Sender,
  id: number,
  payload: Buffer,
  flags: { more?: boolean; aborted?: boolean } = {},
): void {
  const fields = [types.wrap_uint(0), types.wrap_uint(id), types.wrap_binary(Buffer.from([id & 0xff]))]
  const rest = [types.wrap_uint(0), false, flags.more ?? false, null, null, false, flags.aborted ?? false]
  const frame = types.described(types.wrap_ulong(0x14), types.wrap_list([...fields, ...rest]))
  output(sender, frame, payload)
}

/** Settles deliveries of the peer's, first to last, whether there are so many or not. */
export function settleRange(sender: Sender, first: number, last: number): void {
  const fields = [false, types.wrap_uint(first), types.wrap_uint(last), true, null]
  output(sender, types.described(types.wrap_ulong(0x15), types.wrap_list(fields)))
}

function output(sender: Sender, frame: unknown, payload?: Buffer): void {
  const session = sender.session as Session & { output(frame: unknown, payload?: Buffer): void }
  session.output(frame, payload)
}

/** A message whose value is this text, encoded. */
export const encoded = (text: string): Buffer => Buffer.from(rhea.message.encode({ body: text }) as never)
