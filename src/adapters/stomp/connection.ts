import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { LinkLost, toError } from '../../core/errors.ts'
import type { BrokerUrl } from '../shared/options.ts'
import { tlsOptions } from '../shared/tls.ts'
import { within } from '../shared/within.ts'
import { encodeFrame, errorWords, type Frame, type HeaderList, type Version } from './codec.ts'
import { type Broker, brokerOf } from './dialect.ts'
import { agreeBeats, Heartbeat } from './heartbeat.ts'
import type { ConnectionOptions } from './options.ts'
import { Outgoing } from './outgoing.ts'
import { FrameParser } from './parser.ts'

/** The longest that the broker has to say that it has seen our DISCONNECT. */
const farewell = 5_000

/**
 * One STOMP connection. States: connecting (until CONNECTED; ERROR, the end of the stream and silence fail the
 * opening), open, closing (DISCONNECT is sent, what still comes is not for anybody) and closed, which is for ever.
 * An ERROR frame that nobody takes, anything that is no STOMP and any failure of the socket lead from each of them to
 * closed.
 */
export class StompConnection {
  readonly closed: Promise<Error | undefined>
  broker: Broker = 'other'
  version: Version = '1.0'
  /** How the broker names itself, or ''. */
  server = ''
  /** Takes each MESSAGE frame of an open connection. */
  onMessage: (frame: Frame) => void = () => {}
  /** Takes each receipt that `request` does not wait for. */
  onReceipt: (id: string) => void = () => {}
  /** Takes an ERROR frame of an open connection that is no answer to `request`; false ends the connection. */
  onError: (frame: Frame) => boolean = () => false
  /** Called when the operating system has taken all that was sent, after it was much. */
  onDrain: () => void = () => {}

  readonly #socket: Socket
  readonly #outgoing: Outgoing
  readonly #parser: FrameParser
  readonly #receipts = new Map<string, PromiseWithResolvers<void>>()
  readonly #connected = Promise.withResolvers<void>()
  readonly #end = Promise.withResolvers<Error | undefined>()
  readonly #options: ConnectionOptions
  #heartbeat: Heartbeat | undefined
  #refusal: string | undefined
  #paused = false
  #state: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting'
  #lastReceipt = 0

  /** Connects and logs in, or throws within twice the connect_timeout; nothing stays open then. */
  static async open(
    url: BrokerUrl,
    options: ConnectionOptions,
    more: { readonly clientId: string | undefined; readonly maxMessageSize: number },
    signal: AbortSignal,
  ): Promise<StompConnection> {
    const limit = options.connect_timeout
    const tls = url.tls ? await tlsOptions(url, options.tls) : undefined
    const socket = tls ? connectTls(tls) : connectTcp(url.port, url.host)
    const connection = new StompConnection(socket, options, more.maxMessageSize)
    try {
      await within(limit, 'connecting', connection.#ready(tls ? 'secureConnect' : 'connect'), signal)
      socket.setNoDelay(true)
      connection.send('CONNECT', connectHeaders(options, more.clientId))
      const doing = 'waiting for the answer to CONNECT (is this the STOMP port?)'
      await within(limit, doing, connection.#connected.promise, signal)
      return connection
    } catch (error) {
      connection.#die(toError(error))
      throw refused(connection.#refusal, options) ?? error
    }
  }

  private constructor(socket: Socket, options: ConnectionOptions, maxMessageSize: number) {
    this.#socket = socket
    this.#outgoing = new Outgoing(socket)
    this.#options = options
    this.closed = this.#end.promise
    this.#connected.promise.catch(() => {})
    this.#parser = new FrameParser(maxMessageSize, frame => this.#take(frame))
    socket.on('data', chunk => this.#read(chunk))
    socket.on('drain', () => this.onDrain())
    socket.on('error', error => this.#die(error))
    socket.on('close', () => this.#die(new Error('the broker closed the connection')))
  }

  /** Sends a frame with all others of this turn of the event loop, in order. On a closed connection it does nothing. */
  send(command: string, headers: HeaderList): void {
    this.write(encodeFrame(command, headers, this.version))
  }

  /** A frame, or a part of one, as it is; for the rest as `send`. */
  write(part: string | Uint8Array): void {
    if (this.#state !== 'closed') this.#outgoing.write(part)
  }

  /** Bytes that were sent and that the operating system has not taken yet. */
  get unsent(): number {
    return this.#outgoing.size
  }

  /** Resolves when the broker has processed the frame. Throws LinkLost with the broker's words when it did not. */
  async request(limit: number, doing: string, command: string, headers: HeaderList): Promise<void> {
    const id = `sluice-${++this.#lastReceipt}`
    const receipt = Promise.withResolvers<void>()
    this.#receipts.set(id, receipt)
    this.send(command, [...headers, ['receipt', id]])
    if (this.#state === 'closed') receipt.reject(new LinkLost(`${doing}: the connection is closed`))
    try {
      await within(limit, doing, receipt.promise)
    } finally {
      this.#receipts.delete(id)
    }
  }

  /** Reads nothing more, so that the broker has to wait, until `resume`. Our heart-beats go on. */
  pause(): void {
    if (this.#paused) return
    this.#paused = true
    if (this.#heartbeat) this.#heartbeat.paused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#heartbeat) this.#heartbeat.paused = false
    this.#socket.resume()
  }

  /** Says DISCONNECT, waits for the broker to have seen everything sent before it, but not long, and closes. */
  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing'
      this.resume()
      const limit = Math.min(this.#options.connect_timeout, farewell)
      await this.request(limit, 'disconnecting', 'DISCONNECT', []).catch(() => {})
      this.#die(undefined)
    }
    await this.closed
  }

  #ready(event: 'connect' | 'secureConnect'): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once(event, resolve)
      void this.closed.then(reject)
    })
  }

  #read(chunk: Buffer): void {
    this.#heartbeat?.heard()
    try {
      this.#parser.push(chunk)
    } catch (cause) {
      this.#die(new Error('reading what the broker sent', { cause }))
    }
  }

  #take(frame: Frame): void {
    if (this.#state === 'closed') return
    if (frame.command === 'MESSAGE') {
      if (this.#state === 'open') this.onMessage(frame)
    } else if (frame.command === 'RECEIPT') this.#confirm(frame.headers.get('receipt-id') ?? '')
    else if (frame.command === 'CONNECTED') this.#greet(frame)
    else this.#fail(frame)
  }

  #confirm(id: string): void {
    const receipt = this.#receipts.get(id)
    if (receipt) receipt.resolve()
    else this.onReceipt(id)
  }

  /** From the next frame on the version holds; it may be in the same chunk. */
  #greet({ headers }: Frame): void {
    if (this.#state !== 'connecting') return
    const version = headers.get('version') ?? '1.0'
    if (version !== '1.0' && version !== '1.1' && version !== '1.2') {
      this.#die(new Error(`the broker answered with STOMP version ${version}, which we do not speak`))
      return
    }
    this.version = version
    this.#parser.version = version
    this.server = headers.get('server') ?? ''
    this.broker = this.#options.broker ?? brokerOf(headers.get('server'))
    const beats = agreeBeats(this.#options.heartbeat, headers.get('heart-beat'))
    this.#heartbeat = new Heartbeat(
      beats,
      () => this.write('\n'),
      error => this.#die(error),
    )
    this.#socket.setKeepAlive(true, this.#options.heartbeat)
    this.#state = 'open'
    this.#connected.resolve()
  }

  #fail(frame: Frame): void {
    const isAnswer = this.#receipts.has(frame.headers.get('receipt-id') ?? '')
    if (this.#state === 'open' && !isAnswer && this.onError(frame)) return
    if (this.#state === 'connecting') this.#refusal = errorWords(frame)
    this.#die(new Error(`the broker said: ${errorWords(frame)}`))
  }

  #die(error: Error | undefined): void {
    if (this.#state === 'closed') return
    const reason = this.#state === 'closing' ? undefined : error
    this.#state = 'closed'
    this.#heartbeat?.stop()
    this.#socket.destroy()
    const lost = new LinkLost(error?.message ?? 'the connection was closed', { cause: error?.cause })
    this.#connected.reject(error ?? lost)
    for (const receipt of this.#receipts.values()) receipt.reject(lost)
    this.#end.resolve(reason)
  }
}

function connectHeaders(options: ConnectionOptions, clientId: string | undefined): HeaderList {
  const headers: [string, string][] = [
    ['accept-version', '1.0,1.1,1.2'],
    ['host', options.vhost],
    ['heart-beat', `${options.heartbeat},${options.heartbeat}`],
  ]
  if (options.username !== undefined) headers.push(['login', options.username])
  if (options.password !== undefined) headers.push(['passcode', options.password.reveal()])
  if (clientId !== undefined) headers.push(['client-id', clientId])
  return headers
}

/** The sentence for an ERROR in answer to CONNECT. No broker has a code for it, so its words are looked at. */
function refused(words: string | undefined, { username }: ConnectionOptions): Error | undefined {
  if (words === undefined) return undefined
  const aboutUser = /password|credential|authenticat|access refused|security error/i.test(words)
  const who =
    username === undefined ? 'a connection without user name' : `the credentials of user ${username}`
  return new Error(`the broker refused ${aboutUser ? who : 'the connection'}: ${words}`)
}
