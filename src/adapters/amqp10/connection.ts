import type { Socket } from 'node:net'
import rhea, { type Connection as RheaConnection, type Session } from 'rhea'
import { toError } from '../../core/errors.ts'
import { onAbort } from '../../core/on-abort.ts'
import type { BrokerUrl } from '../shared/options.ts'
import type { Connection } from '../shared/shared-connections.ts'
import { tlsOptions } from '../shared/tls.ts'
import { within } from '../shared/within.ts'
import { brokerError, openingError } from './broker-error.ts'
import { type Dialect, dialectOf } from './dialect.ts'
import type { ConnectionOptions } from './options.ts'
import { saslMechanisms } from './sasl.ts'
import { watch } from './watch.ts'

/** Members of rhea's connection that its typings leave out (lib/connection.js of rhea 3.0). */
export interface ConnectionInside extends RheaConnection {
  socket: Socket
  /** Size of the frame that is being received in pieces. */
  frame_size?: number
  local: { readonly open: { idle_time_out: number | undefined } }
  readonly local_channel_map: Record<number, SessionInside>
  idle(): void
  _disconnected(error?: Error): void
  _register(): void
}

interface SessionInside extends Session {
  readonly local: { channel: number }
  /** What the broker's begin said, once it came. */
  readonly remote: { readonly begin?: unknown }
}

/** The largest frame that we let the broker send; one that announces more is no frame. */
const maxFrameSize = 2 ** 20

/** A live connection to one broker. Dies once; rhea never reconnects it. */
export class AmqpConnection implements Connection {
  readonly closed: Promise<Error | undefined>
  readonly #rhea: ConnectionInside
  readonly #limit: number
  readonly #die: (error: Error | undefined) => void
  #nextChannel = 0
  /** Aborted with the reason when the connection is gone. */
  readonly #gone = new AbortController()
  #dead = false
  #closing: Promise<void> | undefined
  #stopWatching = () => {}

  /** Connects and waits until the broker has opened its side. */
  static async open(
    url: BrokerUrl,
    options: ConnectionOptions,
    containerId: string,
  ): Promise<AmqpConnection> {
    const transport = url.tls ? { transport: 'tls' as const, ...(await tlsOptions(url, options.tls)) } : {}
    const container = rhea.create_container({ id: containerId })
    const inside = container.create_connection({
      host: url.host,
      port: url.port,
      ...transport,
      container_id: containerId,
      ...(options.hostname !== undefined && { hostname: options.hostname }),
      idle_time_out: options.heartbeat,
      max_frame_size: maxFrameSize,
      tcp_no_delay: true,
      reconnect: false,
      sasl_mechanisms: saslMechanisms(options, url.tls),
    } as Parameters<typeof container.create_connection>[0]) as ConnectionInside
    const connection = new AmqpConnection(inside, options)
    try {
      await connection.#opened()
      connection.#watch(options.heartbeat)
    } catch (cause) {
      connection.#die(undefined)
      throw openingError(cause, options)
    }
    return connection
  }

  private constructor(inside: ConnectionInside, options: ConnectionOptions) {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    this.closed = promise
    this.#rhea = inside
    this.#limit = options.connect_timeout
    this.#die = error => {
      if (this.#dead) return
      this.#dead = true
      this.#stopWatching()
      resolve(error)
      inside.socket.destroy()
      inside.local.open.idle_time_out = undefined // else rhea sets its timer again on the way back from here
      inside._disconnected() // clears its timers
      this.#gone.abort(error ?? new Error('the connection was closed'))
    }
    this.#listen()
    inside.idle = () => {} // ours also sees a peer that stops in the middle of a frame
    inside.connect()
    inside.socket.on('close', () => this.#die(new Error('the connection was closed')))
    inside.socket.on('data', () => this.#refuseHugeFrames())
  }

  /**
   * Calls back when the connection is gone, not at once when it is already; returns how to stop that. For what may end before the
   * connection does: who waits for `closed` is held as long as the connection lives.
   */
  onClosed(callback: (error: Error) => void): () => void {
    const { signal } = this.#gone
    const call = () => callback(signal.reason)
    if (signal.aborted) queueMicrotask(call)
    return onAbort(signal, call)
  }

  get dialect(): Dialect {
    return dialectOf(this.#rhea.properties)
  }

  /** Does the broker take messages that name their place themselves (specification of the anonymous relay, OASIS)? */
  get relays(): boolean {
    const offered = this.#rhea.offered_capabilities ?? []
    return (Array.isArray(offered) ? offered : [offered]).some(c => String(c) === 'ANONYMOUS-RELAY')
  }

  /** So many there may be at a time. */
  get sessions(): number {
    return Math.min(this.#rhea.channel_max ?? 65_535, 65_535) + 1
  }

  /**
   * On a channel that was not used just now: RabbitMQ 4.0 sometimes does not answer a begin on the channel of a session that
   * it has ended a moment before. rhea takes the lowest that is free.
   */
  createSession(): Session {
    const inside = this.#rhea
    const session = inside.create_session() as SessionInside
    const { local_channel_map: taken } = inside
    const count = this.sessions
    delete taken[session.local.channel]
    for (let i = 0; i < count; i++) {
      const channel = this.#nextChannel++ % count
      if (taken[channel]) continue
      session.local.channel = channel
      taken[channel] = session
      return session
    }
    throw new Error(`the broker takes ${count} sessions on a connection, and all of them are in use`)
  }

  /** Not before its begin was answered: rhea takes an answer that comes after its end for an error that ends the connection. */
  endSession(session: Session): void {
    if ((session as SessionInside).remote.begin) session.close()
    else session.once('session_open', () => session.close())
  }

  /** Has what was queued written with the next tick. */
  flush(): void {
    this.#rhea._register()
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const answered = new Promise(resolve => this.#rhea.once('connection_close', resolve))
    this.#rhea.close()
    await within(this.#limit, 'closing', Promise.race([answered, this.closed])).catch(() => {})
    this.#die(undefined)
  }

  /** Every way in which rhea says that it is over. Without the listeners it throws, or writes to the console. */
  #listen(): void {
    const inside = this.#rhea
    inside.on('connection_error', ({ error }) =>
      this.#die(brokerError(error, 'the broker closed the connection')),
    )
    inside.on('connection_close', () => {
      if (!this.#closing) this.#die(new Error('the broker closed the connection'))
    })
    inside.on('disconnected', ({ error }) => this.#die(error ?? new Error('the broker hung up')))
    inside.on('protocol_error', cause => this.#die(malformed(cause)))
    inside.on('error', cause => this.#die(malformed(cause)))
  }

  /** Until it is open, `connect_timeout` bounds the peer's silence. */
  #watch(heartbeat: number): void {
    if (!this.#dead) this.#stopWatching = watch(this.#rhea, heartbeat, this.#die)
  }

  /** rhea would collect the pieces without end. */
  #refuseHugeFrames(): void {
    const size = this.#rhea.frame_size ?? 0
    if (size > maxFrameSize) this.#die(new Error(`the broker announced a frame of ${size} bytes`))
  }

  async #opened(): Promise<void> {
    const open = new Promise(resolve => this.#rhea.once('connection_open', resolve))
    const died = this.closed.then(error => {
      throw error ?? new Error('closed')
    })
    died.catch(() => {})
    await within(this.#limit, 'waiting for the broker to answer', Promise.race([open, died]))
  }
}

const malformed = (cause: unknown): Error =>
  new Error('the broker sent what is no AMQP 1.0', { cause: toError(cause) })
