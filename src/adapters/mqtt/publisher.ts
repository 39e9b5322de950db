import type { Packet } from 'mqtt'
import { LinkLost, MessageRefused, SinkUnavailable } from '../../core/errors.ts'
import { Confirming } from './confirming.ts'
import type { Connection } from './connection.ts'
import { headOf, type MqttPrepared } from './encode.ts'
import { InFlight, type Outgoing } from './in-flight.ts'
import { publishRefused } from './refusals.ts'
import type { Suspicion } from './suspicion.ts'

export interface PublisherOptions {
  readonly qos: 0 | 1 | 2
  /** Were the topics chosen by a template, each for its message? */
  readonly chosen: boolean
  /** So many messages may be unconfirmed at a time. */
  readonly window: number
  /** Milliseconds from `send` to its end. */
  readonly timeout: number
  readonly suspicion: Suspicion
  notice(text: string): void
}

/**
 * Publishes on one connection, in the order of `send`, and knows what is unconfirmed. MQTT.js would keep that in a store
 * and send it again, so it parses only, and the packets are written here: they are on this connection or nowhere.
 *
 * What bounds it: `window`, and the socket, which is not written to while the broker does not read.
 */
export class Publisher {
  readonly #connection: Connection
  readonly #options: PublisherOptions
  readonly #waiting: Outgoing[] = []
  readonly #inFlight = new InFlight()
  readonly #signals = new WeakSet<AbortSignal>()
  readonly #clock: NodeJS.Timeout
  readonly #confirming: Confirming
  #isDowngraded = false
  #corked = false

  constructor(connection: Connection, options: PublisherOptions) {
    this.#connection = connection
    this.#options = options
    this.#confirming = new Confirming(options.notice)
    connection.socket.on('drain', () => this.#write())
    connection.hear(packet => this.#hear(packet))
    this.#clock = setInterval(() => this.#tick(), Math.min(Math.max(options.timeout / 10, 10), 1_000))
    if (connection.lost.aborted) this.#lost()
    else connection.lost.addEventListener('abort', () => this.#lost(), { once: true })
  }

  send(prepared: MqttPrepared, signal: AbortSignal): Promise<object> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      if (this.#connection.lost.aborted) return reject(this.#connection.lost.reason)
      this.#watch(signal)
      const since = performance.now()
      this.#waiting.push({ prepared, signal, since, resolve, reject, turn: 0, ended: false })
      // Those that it lets pass come in the same turn of the event loop, when a link has opened.
      if (this.#options.suspicion.hasStrike(prepared)) setImmediate(() => this.#write())
      else this.#write()
    })
  }

  /** One listener for all messages of a signal, as long as the connection lives. */
  #watch(signal: AbortSignal): void {
    if (this.#signals.has(signal)) return
    this.#signals.add(signal)
    const abort = () => {
      for (const o of [...this.#inFlight.values(), ...this.#waiting]) {
        if (o.signal === signal) this.#fail(o, signal.reason)
      }
      this.#write()
    }
    signal.addEventListener('abort', abort, { once: true, signal: this.#connection.lost })
  }

  #write(): void {
    for (let next = this.#next(); next && this.#mayWrite(next); next = this.#next()) {
      if (next === this.#waiting[0]) this.#waiting.shift()
      else this.#waiting.splice(this.#waiting.indexOf(next), 1)
      this.#publish(next)
    }
  }

  /** The first, unless it lets others pass. */
  #next(): Outgoing | undefined {
    const { suspicion } = this.#options
    while (this.#waiting[0]?.ended) this.#waiting.shift()
    const [first] = this.#waiting
    if (!first || !suspicion.hasStrike(first.prepared)) return first
    return this.#waiting.find(o => !o.ended && !suspicion.hasStrike(o.prepared)) ?? first
  }

  #mayWrite({ prepared }: Outgoing): boolean {
    const { suspicion, window } = this.#options
    if (this.#connection.lost.aborted || this.#connection.socket.writableNeedDrain) return false
    if (this.#inFlight.size >= window) return false
    if (this.#inFlight.awaited === 0) return true
    const { only } = this.#inFlight
    return !(only && suspicion.isSuspect(only.prepared)) && !suspicion.isSuspect(prepared)
  }

  #publish(outgoing: Outgoing): void {
    const { socket } = this.#connection
    const { prepared } = outgoing
    const isConfirmed = this.#options.qos > 0
    if (this.#inFlight.awaited === 0) this.#confirming.begins(performance.now())
    const id = this.#inFlight.add(outgoing, isConfirmed)
    this.#cork()
    const pieces = [headOf(prepared, id), ...(prepared.body.length > 0 ? [prepared.body] : [])]
    const written = isConfirmed
      ? undefined
      : (error?: Error | null) => (error ? undefined : this.#answered(id, 0))
    for (const [i, piece] of pieces.entries()) {
      socket.write(piece, i === pieces.length - 1 ? written : undefined)
    }
  }

  /** All that is written in one turn of the event loop goes out together. */
  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    const { socket } = this.#connection
    socket.cork()
    setImmediate(() => {
      this.#corked = false
      socket.uncork()
    })
  }

  #hear(packet: Packet): void {
    if (this.#connection.lost.aborted) return
    if (packet.cmd !== 'puback' && packet.cmd !== 'pubrec' && packet.cmd !== 'pubcomp') return
    const { cmd, messageId: id = 0, reasonCode: code = 0, properties } = packet
    // PUBREL. The broker may forget the message with our session until it has answered this, with PUBCOMP.
    if (cmd === 'pubrec' && code < 128) this.#connection.write(Buffer.of(0x62, 2, id >> 8, id & 0xff))
    else this.#answered(id, code, properties?.reasonString)
    if (cmd === 'puback' && this.#options.qos === 2) this.#downgraded()
  }

  /** RabbitMQ does so in 3.1.1, where it cannot say before that it has no QoS 2. */
  #downgraded(): void {
    if (!this.#isDowngraded) this.#options.notice('the broker takes messages of QoS 2 as QoS 1')
    this.#isDowngraded = true
  }

  /** The code 16 means that nobody is subscribed: the broker took it all the same. */
  #answered(id: number, code: number, said?: string): void {
    const isConfirmed = code < 128
    const outgoing = this.#inFlight.answered(id, isConfirmed)
    if (!outgoing) return
    const { prepared, resolve } = outgoing
    const { suspicion, chosen } = this.#options
    this.#confirming.confirmed(performance.now())
    if (isConfirmed) suspicion.confirmed(prepared)
    if (!isConfirmed) this.#fail(outgoing, publishRefused(code, { topic: prepared.topic, chosen }, said))
    else if (this.#inFlight.end(outgoing)) resolve({})
    this.#write()
  }

  #fail(outgoing: Outgoing, error: Error): void {
    if (this.#inFlight.end(outgoing)) outgoing.reject(error)
  }

  #tick(): void {
    const now = performance.now()
    if (this.#inFlight.awaited > 0) this.#confirming.waits(now)
    const oldest = now - this.#options.timeout
    for (const o of this.#inFlight.values()) {
      if (o.since > oldest) break
      if (!o.ended) this.#fail(o, this.#unanswered(o))
    }
    for (const o of this.#waiting) {
      if (o.since > oldest) break
      this.#fail(o, this.#unsent(o))
    }
    this.#write()
    this.#giveUpWithoutRoom()
  }

  /** Answers that never came take up room: past a half of it, or when they take all of it, another connection is better. */
  #giveUpWithoutRoom(): void {
    const { window } = this.#options
    const { forgotten, size, awaited } = this.#inFlight
    const unanswered = size >= window && awaited === 0 ? size : forgotten
    if (unanswered > window / 2) {
      this.#connection.fail(new LinkLost(`the broker left ${unanswered} messages unanswered`))
    }
  }

  #unanswered(outgoing: Outgoing): Error {
    const { prepared } = outgoing
    const { timeout, suspicion } = this.#options
    const text = `the broker did not confirm a message to ${prepared.topic} within ${timeout / 1000} s`
    if (!this.#inFlight.isPassed(outgoing) || !suspicion.unanswered(prepared))
      return new SinkUnavailable(text)
    return new MessageRefused(
      `${text}, time and again, while it confirms others: it may not be allowed there`,
    )
  }

  #unsent({ prepared }: Outgoing): Error {
    const { timeout } = this.#options
    return new SinkUnavailable(
      `a message to ${prepared.topic} could not be sent within ${timeout / 1000} s: the broker does not read, or does ` +
        'not confirm those before it',
    )
  }

  /** All that are not guilty fail with one error, which is that of the link. */
  #lost(): void {
    clearInterval(this.#clock)
    const { lost, endedByPeer } = this.#connection
    const { suspicion, chosen } = this.#options
    const written = Array.from(this.#inFlight.values()).filter(o => !o.ended)
    const prepared = written.map(o => o.prepared)
    const isGuilty = endedByPeer && suspicion.closed(prepared, chosen)
    const [first] = prepared
    const reason =
      endedByPeer && first && (prepared.length === 1 || !chosen) ? closedOn(first, lost.reason) : lost.reason
    for (const o of written) this.#fail(o, isGuilty ? guilty(o, lost.reason) : reason)
    for (const o of this.#waiting.splice(0)) this.#fail(o, reason)
  }
}

const closedOn = ({ topic }: MqttPrepared, cause: Error): LinkLost =>
  new LinkLost(`the broker closed the connection before it confirmed what was published to ${topic}`, {
    cause,
  })

const guilty = ({ prepared }: Outgoing, cause: Error): MessageRefused =>
  new MessageRefused(
    `the broker closes the connection each time this message is published to ${prepared.topic}, and not for others: it may ` +
      'not be allowed there, or too large for it',
    { cause },
  )
