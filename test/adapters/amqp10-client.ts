import { once } from 'node:events'
import rhea, { type Connection, type Message, type Sender } from 'rhea'
import type { Example, SourceFixture, TcpAddress } from './fixture.ts'

export const { types } = rhea

/** What rhea's typings leave out of its types, which the tests need for building bytes. */
interface TypesInside {
  wrap_map_as_map(map: ReadonlyMap<unknown, unknown>): unknown
  readonly Writer: new () => { write(value: unknown): void; toBuffer(): Buffer }
  readonly Reader: new (bytes: Buffer) => { read(): unknown }
}

export const { Writer, Reader, wrap_map_as_map: typedMap } = types as unknown as TypesInside

export interface Login {
  readonly username?: string
  readonly password?: string
}

/** An AMQP 1.0 client that is not the adapter: sends, and waits until the broker has accepted everything. */
export class Producer {
  readonly #connection: Connection
  readonly #target: (name: string) => string

  private constructor(connection: Connection, target: (name: string) => string) {
    this.#connection = connection
    this.#target = target
  }

  static async connect(at: TcpAddress, login: Login, target: (name: string) => string): Promise<Producer> {
    const options = { ...at, username: 'anonymous', ...login, reconnect: false }
    const connection = rhea.create_container().connect(options)
    await once(connection, 'connection_open')
    return new Producer(connection, target)
  }

  async send(name: string, messages: readonly (Message | Buffer)[]): Promise<void> {
    const session = this.#connection.create_session()
    session.begin()
    const sender: Sender = session.open_sender({ target: this.#target(name) })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let sent = 0
    let accepted = 0
    sender.on('sendable', () => {
      while (sent < messages.length && sender.sendable()) {
        const message = messages[sent++]!
        if (Buffer.isBuffer(message)) sender.send(message, undefined, 0)
        else sender.send(message)
      }
    })
    sender.on('accepted', () => ++accepted === messages.length && resolve())
    for (const refused of ['rejected', 'released', 'sender_error', 'sender_close']) {
      sender.on(refused, () => reject(new Error(`${refused} by the broker`)))
    }
    session.on('session_error', () =>
      reject(new Error('the broker ended the session', { cause: session.error })),
    )
    session.on('session_close', () => reject(new Error('the broker ended the session')))
    await promise
    sender.removeAllListeners()
    session.removeAllListeners()
    sender.on('sender_close', () => session.close())
    sender.close()
  }

  close(): void {
    this.#connection.on('disconnected', () => {})
    this.#connection.close()
  }
}

const data = (bytes: Uint8Array): Message => ({ body: rhea.message.data_section(Buffer.from(bytes)) })

export interface Amqp10Broker {
  readonly address: TcpAddress
  readonly login: Login
  /** The address that a sender uses for the queue. */
  readonly target: (name: string) => string
  create(): Promise<string>
  left?(name: string): Promise<number>
  detach?(name: string): Promise<void>
  close(): Promise<void>
}

/** A broker that speaks AMQP 1.0, as the source suite needs it. */
export async function amqp10Fixture(
  broker: Amqp10Broker,
  examples: readonly Amqp10Example[],
): Promise<SourceFixture> {
  const producer = await Producer.connect(broker.address, broker.login, broker.target)
  return {
    address: broker.address,
    create: () => broker.create(),
    endpoint: (name, { host, port } = broker.address) => ({
      connection: { urls: [`amqp://${host}:${port}`], ...broker.login },
      source: { queue: name },
    }),
    produce: (name, bodies) => producer.send(name, bodies.map(data)),
    ...(broker.left && { left: name => broker.left!(name) }),
    ...(broker.detach && { detach: name => broker.detach!(name) }),
    examples: examples.map(({ title, message, expected }): Example => {
      return { title, expected, send: name => producer.send(name, [message]) }
    }),
    close: async () => {
      producer.close()
      await broker.close()
    },
  }
}

export interface Amqp10Example {
  readonly title: string
  readonly message: Message | Buffer
  readonly expected: Example['expected']
}
