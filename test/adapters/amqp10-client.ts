import { once } from 'node:events'
import rhea, {
  type Connection,
  type ConnectionOptions,
  type Message,
  type Sender,
  type TargetTerminusOptions,
} from 'rhea'
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

/** Where a sender attaches to reach the queue. */
export type Target = (name: string) => string | TargetTerminusOptions

/** An AMQP 1.0 client that is not the adapter: sends, and waits until the broker has accepted everything. */
export class Producer {
  readonly #at: ConnectionOptions
  readonly #target: Target
  #connection: Promise<Connection> | undefined

  constructor(at: TcpAddress, login: Login, target: Target) {
    this.#at = { ...at, username: 'anonymous', ...login, reconnect: false }
    this.#target = target
  }

  /** Over one connection, or another when the broker has closed it. */
  async send(name: string, messages: readonly (Message | Buffer)[]): Promise<void> {
    this.#connection ??= this.#connect()
    const connection = await this.#connection
    const session = connection.create_session()
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
    const refused = (what: string, by: { error?: unknown } = {}) =>
      reject(new Error(what, { cause: by.error }))
    for (const outcome of ['rejected', 'released', 'modified']) sender.on(outcome, () => refused(outcome))
    for (const end of ['sender_error', 'sender_close']) sender.on(end, () => refused(end, sender))
    for (const end of ['session_error', 'session_close']) session.on(end, () => refused(end, session))
    const gone = () => refused('the broker closed the connection')
    connection.once('disconnected', gone)
    try {
      await promise
    } finally {
      connection.removeListener('disconnected', gone)
      sender.removeAllListeners().on('sender_close', () => session.close())
      session.removeAllListeners().on('session_close', () => {})
      sender.close()
    }
  }

  async close(): Promise<void> {
    ;(await this.#connection)?.close()
  }

  async #connect(): Promise<Connection> {
    const connection = rhea.create_container().connect(this.#at)
    for (const end of ['connection_error', 'connection_close', 'disconnected', 'error']) {
      connection.on(end, () => {
        this.#connection = undefined
      })
    }
    await once(connection, 'connection_open')
    return connection
  }
}

const data = (bytes: Uint8Array): Message => ({ body: rhea.message.data_section(Buffer.from(bytes)) })

export interface Amqp10Broker {
  readonly address: TcpAddress
  readonly login: Login
  readonly target: Target
  /** With `odd` at the end of its name. */
  create(odd?: string): Promise<string>
  left?(name: string): Promise<number>
  detach?(name: string): Promise<void>
  close(): Promise<void>
}

/** A broker that speaks AMQP 1.0, as the source suite needs it. */
export function amqp10Fixture(broker: Amqp10Broker, examples: readonly Amqp10Example[]): SourceFixture {
  const producer = new Producer(broker.address, broker.login, broker.target)
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
      await producer.close()
      await broker.close()
    },
  }
}

export interface Amqp10Example {
  readonly title: string
  readonly message: Message | Buffer
  readonly expected: Example['expected']
}
