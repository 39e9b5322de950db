import type { Socket } from 'node:net'
import { type IConnackPacket, type IPublishPacket, MqttClient, type Packet } from 'mqtt'
import { LinkLost } from '../../core/errors.ts'
import type { BrokerUrl } from '../shared/options.ts'
import { within } from '../shared/within.ts'
import { clientOptions, type Session } from './client-options.ts'
import { keepAlive } from './keepalive.ts'
import { boundPackets } from './packet-sizes.ts'
import { connectionRefused, isOurFault, reason, TAKEN_OVER } from './refusals.ts'
import { takenOver } from './sessions.ts'
import { openSocket } from './socket.ts'

/** Takes one message. Nothing more is read before `next` is called, which may be much later. */
export type Receive = (packet: IPublishPacket, next: () => void) => void

/** Thrown at the library in place of an acknowledgement: this class sends those. */
const acknowledgedLater = new Error('acknowledged later')

const PINGREQ = Buffer.of(0xc0, 0)
const DISCONNECT = Buffer.of(0xe0, 0)

/**
 * One connection to one broker, which dies once. MQTT.js parses, connects and subscribes; what must not depend on its
 * reading is done here, on a socket of our own: pings, and acknowledgements, which so cannot reach another connection
 * (the library would keep them and send them after a reconnect).
 */
export class Connection {
  /** Resolves when the socket is gone; with the reason unless we closed. */
  readonly closed: Promise<Error | undefined>
  readonly #client: MqttClient
  readonly #socket: Socket
  readonly #clientId: string
  readonly #goodbye: number
  readonly #lost = new AbortController()
  #connack: IConnackPacket | undefined
  #endedByPeer = false
  #closing = false
  #reason: Error | undefined
  #receive: Receive | undefined
  #early: (() => void) | undefined
  #reading = true

  constructor(socket: Socket, session: Session) {
    const opened = performance.now()
    let broke: Error | undefined
    this.#clientId = session.clientId
    this.#goodbye = session.connection.connect_timeout
    this.#socket = socket
    this.closed = new Promise(resolve => {
      socket.on('error', error => {
        broke = error
      })
      socket.once('close', () => {
        if (!this.#closing && !this.#reason && this.#connack) {
          this.#endedByPeer = true
          this.#reason = session.closedByPeer(opened, performance.now(), broke)
        }
        if (!this.#closing) this.#reason ??= broke ?? new Error('the broker closed the connection')
        this.#lost.abort(new LinkLost('the connection is gone', { cause: this.#reason }))
        resolve(this.#reason)
      })
    })
    this.#client = new MqttClient(() => socket, clientOptions(session))
    this.#client.once('connect', connack => {
      this.#connack = connack
    })
    this.#client.on('error', error => this.#failed(error, session.connection.username))
    this.#client.on('disconnect', ({ reasonCode = 0 }) => {
      this.#endedByPeer = !this.#lost.signal.aborted && isOurFault(reasonCode)
      this.fail(this.#disconnected(reasonCode))
    })
    this.#takeMessages()
    boundPackets(socket, session.maxPacketSize, error => this.fail(error))
  }

  /** Connects; when this resolves the broker has accepted us. */
  static async open(url: BrokerUrl, session: Session, signal: AbortSignal): Promise<Connection> {
    const limit = session.connection.connect_timeout
    let connection: Connection | undefined
    try {
      connection = new Connection(await openSocket(url, session.connection, signal), session)
      await within(limit, 'the answer to CONNECT', connection.#connected(), signal)
      connection.#keepAlive()
      return connection
    } catch (error) {
      session.notOpened()
      connection?.fail(new Error('opening was given up', { cause: error }))
      throw error
    }
  }

  /** Aborted as soon as the connection is given up, before `closed` resolves. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** The broker ended it without a reason of its own: it may not like something that we sent. */
  get endedByPeer(): boolean {
    return this.#endedByPeer
  }

  /** What the broker said of itself when it accepted us (version 5). */
  get brokerSaid(): IConnackPacket['properties'] {
    return this.#connack?.properties
  }

  /** Only whole packets may be written to it. */
  get socket(): Socket {
    return this.#socket
  }

  get sessionPresent(): boolean {
    return this.#connack?.sessionPresent === true
  }

  /** Milliseconds for which the broker keeps the session, where it says that it differs from what was asked. */
  get sessionExpiry(): number | undefined {
    const seconds = this.#connack?.properties?.sessionExpiryInterval
    return seconds === undefined ? undefined : seconds * 1000
  }

  /** Begins to hand over messages; those that came since the connection was opened wait for this. */
  start(receive: Receive): void {
    this.#receive = receive
    this.#early?.()
  }

  /** Calls with every packet that comes from now on. */
  hear(listener: (packet: Packet) => void): void {
    this.#client.on('packetreceive', listener)
  }

  /** Resolves with the reason code of SUBACK: a QoS, or a refusal from 128 on. */
  subscribe(filter: string, qos: 0 | 1, retainHandling: 0 | 1 | 2): Promise<number> {
    const answered = new Promise<number>((resolve, reject) => {
      // rap false: what comes with RETAIN is then a retained message and no live one (MQTT 5, 3.8.3.1).
      const options = { qos, nl: false, rap: false, rh: retainHandling }
      this.#client.subscribe(filter, options, (error, _, suback) => {
        const code = suback?.granted[0]
        if (typeof code === 'number') resolve(code)
        else reject(error ?? new Error('the answer to SUBSCRIBE grants nothing'))
      })
    })
    return Promise.race([answered, this.#died()])
  }

  /** Written at once, in order, on this connection or nowhere. */
  write(packets: Buffer): void {
    if (!this.#lost.signal.aborted) this.#socket.write(packets)
  }

  ping(): void {
    this.write(PINGREQ)
  }

  /** Gives the connection up. */
  fail(error: Error): void {
    if (this.#lost.signal.aborted) return
    this.#reason ??= error
    this.#lost.abort(new LinkLost('the connection is gone', { cause: error }))
    this.#socket.destroy()
  }

  /**
   * Says goodbye, which keeps a persistent session, and waits until the broker closes: it has then heard all that we
   * acknowledged. Artemis handles acknowledgements apart from the socket, and one that the end of our side overtakes is
   * forgotten, its message sent again. What is still coming is thrown away, so that the broker can hear us.
   */
  async close(): Promise<void> {
    if (!this.#lost.signal.aborted) {
      this.#closing = true
      this.#lost.abort(new LinkLost('the link was closed'))
      this.#socket.unpipe()
      this.#socket.resume()
      this.#socket.write(DISCONNECT)
      await within(this.#goodbye, 'closing', this.closed).catch(() => this.#socket.destroy())
    }
    await this.closed
  }

  async #connected(): Promise<void> {
    const connected = new Promise<void>(resolve => this.#client.once('connect', () => resolve()))
    await Promise.race([connected, this.#died()])
    // DISCONNECT may have come in one segment with CONNACK.
    if (this.#lost.signal.aborted) await this.#died()
  }

  async #died(): Promise<never> {
    throw (await this.closed) ?? new Error('closed meanwhile')
  }

  #failed(error: Error, username: string | undefined): void {
    if (error === acknowledgedLater) return
    const code = 'code' in error ? error.code : undefined
    if (!this.#connack && typeof code === 'number') {
      this.fail(new Error(connectionRefused(code, this.#clientId, username), { cause: error }))
    } else if (typeof code === 'string') {
      // An error of the socket, which closes it.
    } else {
      this.fail(new LinkLost('what came from the broker is not MQTT as agreed', { cause: error }))
    }
  }

  #disconnected(code: number): Error {
    return code === TAKEN_OVER
      ? takenOver(this.#clientId)
      : new LinkLost(`the broker closed the connection: ${reason(code)}`)
  }

  #keepAlive(): void {
    const connection = this
    const stop = keepAlive(this.#client.keepalive * 1000, {
      get bytesRead() {
        return connection.#socket.bytesRead
      },
      get reading() {
        return connection.#reading
      },
      ping: () => this.ping(),
      silent: () => this.fail(new LinkLost('the broker was silent for two heartbeats')),
    })
    this.lost.addEventListener('abort', stop)
  }

  /** MQTT.js has resolved a topic alias by the time of `message`, which comes before `handleMessage`. */
  #takeMessages(): void {
    this.#client.on('message', (topic, _, packet) => {
      packet.topic = topic
    })
    this.#client.handleMessage = (packet, done) =>
      this.#take(packet, () => done(packet.qos === 0 ? undefined : acknowledgedLater))
    this.#client.options.customHandleAcks = (topic, _, packet, done) => {
      if (packet.qos < 2) return done(0)
      packet.topic = topic
      this.#take(packet, () => done(acknowledgedLater))
    }
  }

  #take(packet: IPublishPacket, done: () => void): void {
    this.#reading = false
    const next = () => {
      this.#reading = true
      done()
    }
    if (this.#receive) this.#receive(packet, next)
    else this.#early = () => this.#receive?.(packet, next)
  }
}
