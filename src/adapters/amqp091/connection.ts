import { type Channel, type ChannelModel, type ConfirmChannel, connect, credentials } from 'amqplib'
import { inTurn } from '../shared/in-turn.ts'
import type { BrokerUrl } from '../shared/options.ts'
import { type Connection, SharedConnections } from '../shared/shared-connections.ts'
import { tlsOptions } from '../shared/tls.ts'
import { within } from '../shared/within.ts'
import { refusal, vhost } from './errors.ts'
import { isEnded, keepRawProperties } from './frames.ts'
import type { ConnectionOptions } from './options.ts'

/** One connection for all links of a connection in the configuration, each with a channel of its own. */
export const connections = new SharedConnections<ConnectionOptions, AmqpConnection>()

/** Others for sinks: a broker that blocks its publishers does not read from their connections, acknowledgements neither. */
export const publishing = new SharedConnections<ConnectionOptions, AmqpConnection>()

/** Tries each address once; every step has the connection's `connect_timeout`. */
export function openConnection(options: ConnectionOptions, name: string): Promise<AmqpConnection> {
  return inTurn(options.urls, new AbortController().signal, url => AmqpConnection.open(url, options, name))
}

/**
 * An open connection to RabbitMQ. It dies once, by whichever of amqplib's `error` and `close` comes first with a
 * reason, and takes its channels with it; a channel that dies leaves it alone.
 */
export class AmqpConnection implements Connection {
  readonly url: BrokerUrl
  readonly closed: Promise<Error | undefined>
  readonly #model: ChannelModel
  readonly #socket: AbortController
  readonly #limit: number
  readonly #notices = new Set<(text: string) => void>()
  readonly #unblocked = new Set<() => void>()
  readonly #ended = new Set<(reason: Error | undefined) => void>()
  #isBlocked = false
  #closing: Promise<void> | undefined

  static async open(url: BrokerUrl, options: ConnectionOptions, name: string): Promise<AmqpConnection> {
    const socket = new AbortController()
    const limit = options.connect_timeout
    try {
      const model = await within(limit, 'logging in', login(url, options, name, socket.signal))
      const connection = new AmqpConnection(url, model, socket, limit)
      if (isEnded(model.connection)) throw new Error('the broker closed the connection at once')
      return connection
    } catch (error) {
      socket.abort()
      throw refusal(error, url, options)
    }
  }

  private constructor(url: BrokerUrl, model: ChannelModel, socket: AbortController, limit: number) {
    this.url = url
    this.#model = model
    this.#socket = socket
    this.#limit = limit
    this.closed = new Promise(resolve => {
      let reason: Error | undefined
      model.on('error', error => {
        reason ??= error
      })
      model.on('close', error => {
        socket.abort()
        const ours = this.#closing !== undefined
        resolve(ours ? undefined : lost(url, reason ?? error))
      })
    })
    void this.closed.then(reason => {
      for (const listener of [...this.#ended]) listener(reason)
    })
    model.on('blocked', why => {
      this.#isBlocked = true
      this.#notify(blockedText(url, why))
    })
    model.on('unblocked', () => {
      this.#isBlocked = false
      this.#notify(`${url.text} takes messages from publishers again`)
      for (const listener of [...this.#unblocked]) listener()
    })
    keepRawProperties(model.connection)
  }

  /** From RabbitMQ 4.3 on, basic.nack with requeue does not count as a failed attempt, while closing a channel does. */
  get nackIsFree(): boolean {
    const { isRabbit, major, minor } = this.#product
    return isRabbit && (major > 4 || (major === 4 && minor >= 3))
  }

  /** The default of RabbitMQ's max_message_size, in bytes; it tells nobody what is configured. */
  get usualMessageSize(): number {
    const { isRabbit, major } = this.#product
    return isRabbit && major >= 4 ? 16 * 2 ** 20 : 128 * 2 ** 20
  }

  get #product() {
    const { product, version } = this.#model.connection.serverProperties
    const [major = 0, minor = 0] = version.split('.').map(Number)
    return { isRabbit: product === 'RabbitMQ', major, minor }
  }

  /** The broker does not take what is published. */
  get isBlocked(): boolean {
    return this.#isBlocked
  }

  /** A new channel, whose errors somebody hears already. */
  async channel(signal: AbortSignal): Promise<Channel> {
    const opening = this.#model.createChannel()
    void opening.then(
      channel => channel.on('error', () => {}),
      () => {},
    )
    return within(this.#limit, `opening a channel on ${this.url.text}`, opening, signal)
  }

  /** A new channel that confirms what is published on it; few frames wait on it for the socket. */
  async confirmChannel(signal: AbortSignal): Promise<ConfirmChannel> {
    const opening = this.#model.createConfirmChannel({ highWaterMark: 32 })
    void opening.then(
      channel => channel.on('error', () => {}),
      () => {},
    )
    return within(this.#limit, `opening a channel on ${this.url.text}`, opening, signal)
  }

  /** Hears of states of the connection that people must know of; call what is returned to hear no more. */
  onNotice(listener: (text: string) => void): () => void {
    this.#notices.add(listener)
    return () => this.#notices.delete(listener)
  }

  /** Hears that publishers are no longer blocked; call what is returned to hear no more. */
  onUnblocked(listener: () => void): () => void {
    this.#unblocked.add(listener)
    return () => this.#unblocked.delete(listener)
  }

  /** As `closed`, for those that come and go while the connection stays; call what is returned to hear no more. */
  onClosed(listener: (reason: Error | undefined) => void): () => void {
    if (isEnded(this.#model.connection)) void this.closed.then(listener)
    else this.#ended.add(listener)
    return () => this.#ended.delete(listener)
  }

  /** What comes of the work; rejects once the connection is gone, when amqplib may leave it pending. */
  async whileOpen<T>(work: Promise<T>): Promise<T> {
    const gone = Promise.withResolvers<never>()
    const deaf = this.onClosed(reason =>
      gone.reject(reason ?? new Error(`the connection to ${this.url.text} was closed`)),
    )
    try {
      return await Promise.race([work, gone.promise])
    } finally {
      deaf()
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** amqplib's own close() stays pending when the connection is cut before the broker has answered it. */
  async #close(): Promise<void> {
    const closing = Promise.race([this.#model.close(), this.closed])
    await within(this.#limit, 'closing', closing).catch(() => {})
    this.#socket.abort()
  }

  #notify(text: string): void {
    for (const listener of this.#notices) listener(text)
  }
}

/** Aborting `signal` destroys the socket, then and later: amqplib itself has no way to end a silent connection. */
async function login(url: BrokerUrl, options: ConnectionOptions, name: string, signal: AbortSignal) {
  const { username, password, heartbeat } = options
  const socket = {
    ...(url.tls && (await tlsOptions(url, options.tls))),
    credentials:
      username === undefined ? credentials.external() : credentials.plain(username, password?.reveal() ?? ''),
    clientProperties: { connection_name: `sluice-${name}`, product: 'Sluice' },
    noDelay: true,
    keepAlive: true,
    signal,
    timeout: 0,
  }
  const broker = {
    protocol: url.tls ? 'amqps' : 'amqp',
    hostname: url.host,
    port: url.port,
    vhost: encodeURIComponent(vhost(url)),
    heartbeat: Math.max(1, Math.round(heartbeat / 1000)),
    // Of a frame that comes, in place of 64 MiB; brokers keep to 128 KiB, which amqplib asks for.
    maxFrameSize: 2 ** 20,
  }
  return connect(broker, socket)
}

const lost = (url: BrokerUrl, cause: Error | undefined): Error =>
  new Error(`the connection to ${url.text} was lost`, { cause })

const blockedText = (url: BrokerUrl, why: string): string =>
  `${url.text} blocks everything that is published on this connection: ${why || 'no reason given'}`
