import type { ConfirmChannel, Message } from 'amqplib'
import { SinkUnavailable } from '../../core/errors.ts'
import type { AmqpConnection } from './connection.ts'
import { placeText } from './dialect.ts'
import type { AmqpPrepared } from './encode.ts'
import type { RawProperties } from './frames.ts'
import { checkShape, maxPropertiesOn, PublishFrames } from './publish-frames.ts'

/**
 * What became of a message: `unclear` when it, or another, was returned; `guilty` when the broker closed the channel because of it alone, `gone` when its channel died first, with the channel's error where the broker gave one and
 * whether the message can have been the reason.
 */
export type Answer =
  | { readonly is: 'taken' }
  | { readonly is: 'returned'; readonly why: string }
  | { readonly is: 'unclear'; readonly error: SinkUnavailable }
  | { readonly is: 'overflow' }
  | { readonly is: 'guilty'; readonly error: Error }
  | { readonly is: 'gone'; readonly error: Error | undefined; readonly isSuspect: boolean }

/** A message that is owed an answer. */
export interface Outgoing {
  readonly prepared: AmqpPrepared
  /** The broker has to say when no queue takes it. */
  readonly isMandatory: boolean
  answer(answer: Answer): void
}

/**
 * One confirm channel. Messages go out in the order in which they are submitted; they wait here while the broker blocks its publishers
 * and while the socket is full. A message that no queue took comes back before its confirm does.
 */
export class Publisher {
  /** Resolves when the channel is gone, with the broker's error if it gave one. */
  readonly closed: Promise<Error | undefined>
  readonly maxProperties: number
  readonly #channel: ConfirmChannel
  readonly #connection: AmqpConnection
  readonly #frames: PublishFrames
  /** Not written yet. */
  readonly #waiting = new Set<Outgoing>()
  readonly #unconfirmed = new Set<Outgoing>()
  /** What is to be said of messages that came back, or may have, when their confirm comes. */
  readonly #returned = new Map<Outgoing, Answer>()
  #error: Error | undefined
  #isOpen = true

  static async open(connection: AmqpConnection, signal: AbortSignal): Promise<Publisher> {
    const channel = await connection.confirmChannel(signal)
    checkShape(channel)
    return new Publisher(connection, channel)
  }

  private constructor(connection: AmqpConnection, channel: ConfirmChannel) {
    this.#connection = connection
    this.#channel = channel
    this.#frames = new PublishFrames(channel)
    this.maxProperties = maxPropertiesOn(channel)
    channel.on('return', message => this.#cameBack(message))
    channel.on('drain', () => this.#writeWaiting())
    const deaf = connection.onUnblocked(() => this.#writeWaiting())
    this.closed = new Promise(resolve => {
      channel.on('error', error => {
        this.#error = error
        this.#end()
      })
      // Before amqplib's own listener, which calls what is unconfirmed then refused.
      channel.prependListener('close', () => {
        deaf()
        if (this.#isOpen) this.#cut()
        resolve(this.#error)
      })
    })
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  submit(outgoing: Outgoing): void {
    if (!this.#isOpen) outgoing.answer({ is: 'gone', error: this.#error, isSuspect: false })
    else if (this.#waiting.size > 0 || !this.#mayWrite) this.#waiting.add(outgoing)
    else this.#write(outgoing)
  }

  /** Nobody waits for it any more. True when it was not written, and never will be. */
  withdraw(outgoing: Outgoing): boolean {
    return this.#waiting.delete(outgoing)
  }

  /** Resolves when the broker has closed the channel, or the connection is gone. */
  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#end()
    await this.#connection.whileOpen(this.#channel.close()).catch(() => {})
  }

  get #mayWrite(): boolean {
    return this.#frames.hasRoom && !this.#connection.isBlocked
  }

  #writeWaiting(): void {
    for (const outgoing of this.#waiting) {
      if (!this.#isOpen || !this.#mayWrite) return
      this.#waiting.delete(outgoing)
      this.#write(outgoing)
    }
  }

  #write(outgoing: Outgoing): void {
    this.#unconfirmed.add(outgoing)
    this.#frames.write(outgoing.prepared, outgoing.isMandatory, error => this.#confirmed(outgoing, error))
  }

  #confirmed(outgoing: Outgoing, error: Error | null): void {
    if (!this.#unconfirmed.delete(outgoing)) return
    const returned = this.#returned.get(outgoing)
    this.#returned.delete(outgoing)
    outgoing.answer(returned ?? (error ? { is: 'overflow' } : taken))
  }

  /**
   * basic.return does not say which message it was. It is one of the same bytes, any of which may take its place; where a broker
   * has changed the properties and several would fit that are not alike, it may be each of them.
   */
  #cameBack({ fields, properties, content }: Message): void {
    const { exchange, routingKey, replyCode, replyText } = fields as unknown as ReturnFields
    const why = `${replyCode} ${replyText}`
    const { raw } = properties as unknown as RawProperties
    const candidates = Array.from(this.#unconfirmed).filter(
      o =>
        o.isMandatory &&
        this.#returned.get(o)?.is !== 'returned' &&
        o.prepared.routingKey === routingKey &&
        o.prepared.exchange === exchange &&
        o.prepared.body.equals(content),
    )
    const found = candidates.find(hasProperties(raw)) ?? candidates[0]
    if (!found)
      this.#fail(new Error(`the broker returned a message for ${routingKey} that was not sent here`))
    else if (hasProperties(raw)(found) || candidates.every(hasProperties(found.prepared.properties)))
      this.#returned.set(found, { is: 'returned', why })
    else {
      const error = new SinkUnavailable(
        `the broker returned one of ${candidates.length} messages for ${placeText(found.prepared)} (${why}) and does not say which: each is sent again alone`,
      )
      for (const o of candidates) this.#returned.set(o, { is: 'unclear', error })
    }
  }

  #fail(error: Error): void {
    this.#error = error
    void this.close()
  }

  #end(): void {
    if (this.#isOpen) this.#stop()(this.#error, this.#error !== undefined)
  }

  /** The connection takes the channel with it, and is about to say why. */
  #cut(): void {
    const answerAll = this.#stop()
    this.#connection.onClosed(reason => answerAll(reason, false))
  }

  /** Nothing goes out any more. Call what is returned to answer all that is owed an answer; only what was written can be suspect. */
  #stop(): (error: Error | undefined, isSuspect: boolean) => void {
    this.#isOpen = false
    this.#frames.end()
    const [written, unwritten] = [[...this.#unconfirmed], [...this.#waiting]]
    this.#unconfirmed.clear()
    this.#waiting.clear()
    return (error, isSuspect) => {
      for (const outgoing of written) outgoing.answer({ is: 'gone', error, isSuspect })
      for (const outgoing of unwritten) outgoing.answer({ is: 'gone', error, isSuspect: false })
    }
  }
}

interface ReturnFields {
  readonly exchange: string
  readonly routingKey: string
  readonly replyCode: number
  readonly replyText: string
}

const hasProperties =
  (properties: Buffer) =>
  ({ prepared }: Outgoing): boolean =>
    prepared.properties.equals(properties)

const taken: Answer = { is: 'taken' }
